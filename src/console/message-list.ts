import type { Connection, Message } from "../client/index.ts";
import { avatar } from "./avatar.ts";
import { element, timeOfDay } from "./elements.ts";

/** Older ones leave the page, not the channel. */
const MAX_SHOWN = 300;
/** This close to the end, in pixels, the reader follows what comes. */
const FOLLOW_WITHIN = 60;

/** What was said in the channel, and who came and went. New lines are read out by screen readers. */
export class MessageList {
  readonly element: HTMLElement;
  readonly #user: string;
  #lastSpeaker: string | undefined;
  #follows = true;

  constructor(user: string) {
    this.#user = user;
    const attributes = { role: "log", "aria-live": "polite", "aria-label": "Messages", tabindex: "0" };
    this.element = element("div", { class: "messages", ...attributes });
    this.element.addEventListener("scroll", () => {
      const { scrollHeight, scrollTop, clientHeight } = this.element;
      this.#follows = scrollHeight - scrollTop - clientHeight < FOLLOW_WITHIN;
    });
    // A drawer that opens below takes room away: the newest line stays in sight.
    new ResizeObserver(() => this.#scrollToEnd()).observe(this.element);
    this.clear("Connect, and say hello.");
  }

  attach(connection: Connection): void {
    this.clear("Nothing said yet. Say hello.");
    connection.on("message", (message) => this.#addMessage(message));
    let isFirst = true;
    connection.on("members", ({ joined, left }) => {
      // Who was here before us did not just arrive.
      if (!isFirst) for (const { user } of joined) this.#addNotice(user, "joined");
      isFirst = false;
      for (const { user } of left) this.#addNotice(user, "left");
    });
  }

  /** What was said before this person came, oldest first; it goes above what was said since. */
  addEarlier(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    const since = [...this.element.children].filter((line) => !line.classList.contains("empty"));
    const lastSpeaker = this.#lastSpeaker;
    this.#lastSpeaker = undefined;
    this.element.replaceChildren();
    for (const message of messages) this.#addMessage(message);
    this.element.append(...since);
    if (since.length > 0) this.#lastSpeaker = lastSpeaker;
    this.#scrollToEnd();
  }

  clear(words: string): void {
    this.#lastSpeaker = undefined;
    this.element.replaceChildren(element("p", { class: "empty" }, words));
  }

  #addMessage(message: Message): void {
    const speaker = message.from?.user ?? "back end";
    const line = element("div", { class: "message" });
    if (speaker !== this.#lastSpeaker) {
      line.classList.add("first");
      const name = element("span", { class: "name" }, speaker);
      const time = element("time", { class: "muted" }, timeOfDay(message.at));
      line.append(avatar(speaker), element("p", { class: "speaker" }, name, time));
    }
    line.append(element("p", { class: "said", title: `offset ${message.offset}` }, ...said(message)));
    this.#add(line);
    this.#lastSpeaker = speaker;
  }

  #addNotice(user: string, what: string): void {
    if (user === this.#user) return;
    this.#lastSpeaker = undefined;
    this.#add(element("p", { class: "notice" }, `${user} ${what}`));
  }

  #add(line: HTMLElement): void {
    this.element.querySelector(".empty")?.remove();
    this.element.append(line);
    if (this.element.childElementCount > MAX_SHOWN) this.element.firstElementChild?.remove();
    this.#scrollToEnd();
  }

  #scrollToEnd(): void {
    if (this.#follows) this.element.scrollTop = this.element.scrollHeight;
  }
}

/** Text as text, anything else as the JSON it is; an event that is not the usual one is named. */
function said({ data, event }: Message): (Node | string)[] {
  const body = typeof data === "string" ? data : element("code", {}, JSON.stringify(data));
  return event === "message" ? [body] : [element("span", { class: "event" }, event), body];
}
