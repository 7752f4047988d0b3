import type { Connection, ConnectionEvents } from "../client/index.ts";
import { element, icon, timeOfDay } from "./elements.ts";

type Frame = ConnectionEvents["frame"];

const MAX_KEPT = 200;

/** The raw frames of one connection, newest last, for who wants to see the protocol at work. */
export class FrameLog {
  readonly element: HTMLDetailsElement;
  readonly #count = element("span", { class: "count" });
  readonly #list = element("ol", { class: "frames", tabindex: "0", "aria-label": "Frames" });
  readonly #frames: Frame[] = [];
  #total = 0;

  constructor() {
    const summary = element("summary", {}, "Frames", this.#count);
    this.element = element("details", { class: "drawer frame-log" }, summary, this.#list);
    // Nobody pays for a log that nobody looks at: closed, it only counts and keeps.
    this.element.addEventListener("toggle", () => this.#redraw());
    this.#redraw();
  }

  attach(connection: Connection): void {
    connection.on("frame", (frame) => this.#add(frame));
  }

  #add(frame: Frame): void {
    this.#frames.push(frame);
    this.#total++;
    if (this.#frames.length > MAX_KEPT) this.#frames.shift();
    this.#count.textContent = String(this.#total);
    if (!this.element.open) return;
    this.#list.append(rowOf(frame));
    if (this.#list.childElementCount > MAX_KEPT) this.#list.firstElementChild?.remove();
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  #redraw(): void {
    this.#count.textContent = String(this.#total);
    this.#list.replaceChildren(...(this.element.open ? this.#frames.map(rowOf) : []));
    this.#list.scrollTop = this.#list.scrollHeight;
  }
}

/** One line that unfolds into the whole frame. */
function rowOf({ direction, text, at }: Frame): HTMLElement {
  const way = element("span", { class: "way" }, icon(direction));
  way.append(element("span", { class: "visually-hidden" }, direction === "in" ? "received" : "sent"));
  const kind = element("span", { class: "kind" }, kindOf(text));
  const line = element("summary", {}, way, kind, element("span", { class: "raw" }, text));
  line.title = timeOfDay(at);
  const unfolded = element("pre", {}, pretty(text));
  return element("li", { "data-direction": direction }, element("details", {}, line, unfolded));
}

function kindOf(text: string): string {
  const value = parsed(text);
  if (Array.isArray(value)) return `${value.length} messages`;
  if (typeof value === "object" && value !== null && "type" in value) return String(value.type);
  return text;
}

function pretty(text: string): string {
  const value = parsed(text);
  return value === undefined ? text : JSON.stringify(value, null, 2);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // `ping` and `pong` are no JSON, and shown as they are
  }
}
