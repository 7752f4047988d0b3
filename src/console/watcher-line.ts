import { element } from "./elements.ts";
import { reasonOf } from "./problem.ts";

/** More names than this tell nobody anything. */
const MAX_SHOWN = 8;

/** Who watches this person, in a line. */
export class WatcherLine {
  readonly element = element("p", { class: "watchers", role: "status" });

  show(watchers: readonly string[]): void {
    const more = watchers.length - MAX_SHOWN;
    const names = watchers.slice(0, MAX_SHOWN).join(", ");
    if (watchers.length === 0) this.#say("Watched by nobody.");
    else this.#say(`Watched by ${names}${more > 0 ? ` and ${more} more` : ""}.`);
  }

  complain(error: unknown): void {
    this.#say(`Watchers not read: ${reasonOf(error)}`);
  }

  clear(): void {
    this.#say("");
  }

  /** Once, not at each refresh: it is read out. */
  #say(words: string): void {
    if (this.element.textContent !== words) this.element.textContent = words;
  }
}
