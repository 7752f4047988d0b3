import type { Connection } from "../client/index.ts";
import { element } from "./elements.ts";

/** How long one signal keeps a name on the line. Longer than the pause between two of a busy typist. */
const SHOWN_MS = 3_000;
const SAY_AGAIN_AFTER_MS = 2_000;

/** Who is typing. Signals only: nothing is stored, and a lost one costs a moment of the line. */
export class TypingLine {
  readonly element = element("p", { class: "typing", "aria-live": "off" });
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #saidAt = 0;

  attach(connection: Connection): void {
    this.clear();
    connection.on("signal", ({ event, from }) => {
      if (event === "typing" && from !== undefined) this.#add(from.user);
    });
    // Whoever has said it has stopped typing it.
    connection.on("message", ({ from }) => {
      if (from !== undefined) this.#remove(from.user);
    });
  }

  /** The person at this card types: the others hear of it, at most every two seconds. */
  say(connection: Connection): void {
    const now = Date.now();
    if (now - this.#saidAt < SAY_AGAIN_AFTER_MS) return;
    if (connection.signal("typing")) this.#saidAt = now;
  }

  /** After a message the next letter is news again. */
  sent(): void {
    this.#saidAt = 0;
  }

  clear(): void {
    for (const user of this.#timers.keys()) this.#remove(user);
  }

  #add(user: string): void {
    clearTimeout(this.#timers.get(user));
    this.#timers.set(
      user,
      setTimeout(() => this.#remove(user), SHOWN_MS),
    );
    this.#show();
  }

  #remove(user: string): void {
    clearTimeout(this.#timers.get(user));
    this.#timers.delete(user);
    this.#show();
  }

  #show(): void {
    const users = [...this.#timers.keys()];
    const [first, second] = users;
    if (first === undefined) this.element.textContent = "";
    else if (second === undefined) this.element.textContent = `${first} is typing…`;
    else if (users.length === 2) this.element.textContent = `${first} and ${second} are typing…`;
    else this.element.textContent = `${users.length} people are typing…`;
  }
}
