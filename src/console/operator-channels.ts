import type { Member } from "../client/index.ts";
import { element } from "./elements.ts";
import { OperatorPanel, replaceIfNew } from "./operator-panel.ts";
import { listChannels, listMembers, readChannel } from "./operator-routes.ts";

/** Occupied channels by the beginning of their names, and one of them with its members. */
export class OperatorChannels {
  readonly list: OperatorPanel;
  readonly detail: OperatorPanel;
  readonly #rows = element("ul", { class: "rows", "aria-label": "Occupied channels" });
  readonly #more = element("p", { class: "muted" });
  readonly #prefix = element("input", {
    class: "line",
    "aria-label": "Names that begin with",
    placeholder: "Begins with",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    maxlength: "128",
  });
  readonly #facts = element("dl", { class: "facts" });
  readonly #members = element("ul", { class: "rows", "aria-label": "Members of the channel" });
  readonly #key: () => string;
  #channel: string | undefined;

  constructor(key: () => string) {
    this.#key = key;
    this.list = new OperatorPanel("Channels", () => this.#readList(), this.#prefix);
    this.list.body.append(this.#rows, this.#more);
    this.#prefix.addEventListener("input", () => this.list.refresh());
    this.detail = new OperatorPanel("Channel", () => this.#readOne());
    this.detail.body.append(this.#facts, this.#members);
    this.choose(undefined);
  }

  /** Shows this one beside the list, or none. */
  choose(channel: string | undefined): void {
    this.detail.element.hidden = channel === undefined;
    if (channel !== this.#channel) {
      this.#facts.replaceChildren();
      this.#members.replaceChildren();
      this.detail.say("");
    }
    this.#channel = channel;
    const heading = this.detail.element.querySelector("h3");
    if (heading !== null) heading.textContent = channel ?? "Channel";
  }

  refresh(): void {
    this.list.refresh();
    if (this.#channel !== undefined) this.detail.refresh();
  }

  async #readList(): Promise<void> {
    const { channels, cursor } = await listChannels(this.#key(), this.#prefix.value);
    const rows = channels.toSorted((a, b) => b.members - a.members).map(channelRow);
    replaceIfNew(this.#rows, rows);
    this.#more.textContent = channels.length === 0 ? "No occupied channel." : "";
    if (cursor !== undefined) this.#more.textContent = "There are more: say how the name begins.";
  }

  async #readOne(): Promise<void> {
    const channel = this.#channel;
    if (channel === undefined) return;
    const [facts, members] = await Promise.all([
      readChannel(this.#key(), channel),
      listMembers(this.#key(), channel),
    ]);
    if (channel !== this.#channel) return;
    const { sessions, subscribers, relays, offset, epoch } = facts;
    const shown = {
      Members: facts.members,
      Sessions: sessions,
      Subscribed: subscribers,
      Relays: relays,
      Offset: offset,
    };
    const pairs = Object.entries({ ...shown, Epoch: epoch }).map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, String(value))),
    );
    replaceIfNew(this.#facts, pairs);
    replaceIfNew(this.#members, members.map(memberRow));
  }
}

function channelRow({ channel, members }: { channel: string; members: number }): HTMLElement {
  const link = element("a", { href: `#operator/channels/${encodeURIComponent(channel)}` }, channel);
  const count = element("span", { class: "muted" }, members === 1 ? "1 member" : `${members} members`);
  return element("li", {}, link, count);
}

function memberRow({ user, status, sessions, hidden }: Member): HTMLElement {
  const link = element("a", { href: `#operator/users/${encodeURIComponent(user)}` }, user);
  const words = [hidden ? "invisible" : (status ?? "status not shown")];
  if (sessions > 1) words.push(`${sessions} sessions`);
  return element("li", {}, link, element("span", { class: "muted" }, words.join(", ")));
}
