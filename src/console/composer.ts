import { type Connection, RollcallError } from "../client/index.ts";
import { element, icon } from "./elements.ts";
import type { TypingLine } from "./typing-line.ts";

/** Where one person writes. Enter sends; a message that was refused comes back into the field. */
export class Composer {
  readonly element: HTMLElement;
  readonly #typing: TypingLine;
  readonly #input: HTMLInputElement;
  readonly #send: HTMLButtonElement;
  readonly #problem = element("p", { class: "problem", role: "alert" });
  #connection: Connection | undefined;

  readonly #published: (id: string, begunAt: number) => void;

  /** `published` hears which message a publish became, and when it began, on the clock of `performance.now`. */
  constructor(user: string, typing: TypingLine, published: (id: string, begunAt: number) => void) {
    this.#typing = typing;
    this.#published = published;
    const name = { "aria-label": `Message from ${user}`, autocomplete: "off", enterkeyhint: "send" };
    this.#input = element("input", { class: "write", placeholder: `Message as ${user}`, ...name });
    const attributes = { class: "icon-button filled", "aria-label": "Send", title: "Send" };
    this.#send = element("button", attributes, icon("send"));
    const form = element("form", { class: "composer" }, this.#input, this.#send);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#publish();
    });
    this.#input.addEventListener("input", () => {
      if (this.#connection !== undefined && this.#input.value !== "") this.#typing.say(this.#connection);
    });
    this.element = element("div", {}, typing.element, form, this.#problem);
    this.detach();
  }

  attach(connection: Connection): void {
    this.#connection = connection;
    connection.on("status", ({ name }) => this.#enable(name === "open"));
    connection.on("error", (error) => this.complain(error));
    connection.on("welcome", () => {
      this.#problem.textContent = "";
    });
  }

  detach(): void {
    this.#connection = undefined;
    this.#enable(false);
  }

  focus(): void {
    this.#input.focus();
  }

  complain(error: unknown): void {
    this.#problem.textContent = error instanceof RollcallError ? wordsFor(error) : String(error);
  }

  /** Never rejects: what goes wrong is shown. */
  async #publish(): Promise<void> {
    const text = this.#input.value;
    if (this.#connection === undefined || text === "") return;
    this.#input.value = "";
    this.#problem.textContent = "";
    this.#typing.sent();
    try {
      const begunAt = performance.now();
      const { id } = await this.#connection.publish(text);
      this.#published(id, begunAt);
    } catch (error) {
      if (this.#input.value === "") this.#input.value = text;
      this.complain(error);
    }
  }

  #enable(isOpen: boolean): void {
    // The field stays usable while away, so that focus and a half-written message survive a reconnect.
    this.#send.disabled = !isOpen;
  }
}

function wordsFor({ code, message, cause }: RollcallError): string {
  return `${code}: ${cause instanceof Error ? cause.message : message}`;
}
