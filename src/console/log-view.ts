import type { Connection, Message } from "../client/index.ts";
import { ChannelRecord, type MessageRow, type RecordRow, wordsOfTold } from "./channel-record.ts";
import { element, timeOfDay } from "./elements.ts";
import { Provenance, type Way } from "./provenance.ts";

const WORDS = {
  live: "live",
  recovered: "recovered",
  earlier: "from history",
} as const satisfies Record<Way, string>;

/** The log of a channel with offsets: a row a message, a column a card, and in each how it came, if it did. */
export class LogView {
  readonly element: HTMLElement;
  readonly #channel = element("select", { "aria-label": "Channel of the log" });
  readonly #table = element("table", { class: "log-table" });
  readonly #none = element("p", { class: "muted" }, "No message yet. Connect, and say something.");
  readonly #records = new Map<string, ChannelRecord>();
  /** Cards by channel, in order of arrival: the columns. */
  readonly #cards = new Map<string, Set<string>>();
  #isDue = false;

  constructor() {
    this.#channel.addEventListener("change", () => this.#show());
    const heading = element("h2", { id: "log-heading", tabindex: "-1" }, "Message log");
    const about =
      "Every message has the next offset. “Recovered” came after a reconnect, from where that card had seen the log.";
    const box = { class: "scroll-box", role: "region", "aria-label": "Log", tabindex: "0" };
    this.element = element(
      "section",
      { class: "view", "aria-labelledby": "log-heading" },
      element("div", { class: "view-head" }, heading, this.#channel),
      element("p", { class: "muted about" }, about),
      this.#none,
      element("div", box, this.#table),
    );
    this.#draw();
  }

  /** Records what this card hears in its channel. `card` names it: a person may have several. */
  attach(connection: Connection, card: string): void {
    const { channelName: channel } = connection;
    if (channel === undefined) return;
    const [record, provenance] = [this.#recordOf(channel, card), new Provenance()];
    connection.on("welcome", (welcome) => {
      const told = provenance.welcomed(welcome);
      if (told !== undefined) record.told(card, told, Date.now());
      this.#show();
    });
    connection.on("message", (message) => {
      record.heard(message, card, provenance.heard(message.offset));
      this.#show();
    });
  }

  /** What a card read of the time before it came. */
  readEarlier(messages: readonly Message[], card: string): void {
    for (const message of messages) this.#recordOf(message.channel, card).heard(message, card, "earlier");
    this.#show();
  }

  /** The view is looked at, or no longer. */
  show(): void {
    this.#show();
  }

  #recordOf(channel: string, card: string): ChannelRecord {
    const cards = this.#cards.get(channel) ?? new Set();
    this.#cards.set(channel, cards.add(card));
    const known = this.#records.get(channel);
    if (known !== undefined) return known;
    const record = new ChannelRecord();
    this.#records.set(channel, record);
    this.#channel.append(element("option", { value: channel }, channel));
    this.#channel.value = channel;
    return record;
  }

  /** Once a frame at most, and only where somebody sees it. */
  #show(): void {
    if (this.#isDue || !this.element.checkVisibility()) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  #draw(): void {
    const channel = this.#channel.value;
    const rows = this.#records.get(channel)?.rows ?? [];
    const cards = [...(this.#cards.get(channel) ?? [])];
    this.#channel.hidden = this.#records.size < 2;
    this.#none.hidden = rows.length > 0;
    this.#table.hidden = rows.length === 0;
    const heads = ["Offset", "Time", "From", "Message", ...cards];
    const headRow = element("tr", {}, ...heads.map((words) => element("th", { scope: "col" }, words)));
    this.#table.replaceChildren(
      element("caption", { class: "visually-hidden" }, `Messages of ${channel}, newest first`),
      element("thead", {}, headRow),
      element("tbody", {}, ...rows.toReversed().map((row) => rowOf(row, cards))),
    );
  }
}

function rowOf(row: RecordRow, cards: readonly string[]): HTMLElement {
  if (row.kind === "message") return messageRow(row, cards);
  const words = element("td", { colspan: String(cards.length + 2) });
  words.append(element("strong", {}, row.card), ` ${wordsOfTold(row.told)}`);
  const attributes = { class: "told", "data-told": row.told.kind };
  return element("tr", attributes, element("td"), element("td", {}, timeOfDay(row.at)), words);
}

function messageRow({ message, ways }: MessageRow, cards: readonly string[]): HTMLElement {
  const { offset, at, from, event, data } = message;
  const said = typeof data === "string" ? data : JSON.stringify(data);
  const text = element("td", { class: "log-text" }, event === "message" ? said : `${event}: ${said}`);
  const who = from?.user ?? "back end";
  const facts = [element("td", { class: "number" }, String(offset)), element("td", {}, timeOfDay(at))];
  const cells = cards.map((card) => wayCell(ways.get(card)));
  return element("tr", {}, ...facts, element("td", { class: "name" }, who), text, ...cells);
}

function wayCell(way: Way | undefined): HTMLElement {
  const words = element(
    "span",
    { class: "way-of", "data-way": way ?? "none" },
    way === undefined ? "not received" : WORDS[way],
  );
  return element("td", {}, words);
}
