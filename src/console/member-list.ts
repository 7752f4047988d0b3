import type { Connection, Member } from "../client/index.ts";
import { element, icon } from "./elements.ts";
import { face, statusMark } from "./status-mark.ts";

/** More chips than this tell nobody anything; the count does. */
const MAX_SHOWN = 40;

/** Who is in the channel, as this person sees it: a chip a member with status, devices and sessions. */
export class MemberList {
  readonly element: HTMLElement;
  readonly #user: string;
  readonly #summary = element("span", { class: "muted" });
  readonly #list = element("ul", { class: "members", "aria-label": "Members" });

  constructor(user: string) {
    this.#user = user;
    const heading = element("div", { class: "section-head" }, element("h3", {}, "Here"), this.#summary);
    this.element = element("div", { class: "here" }, heading, this.#list);
    this.clear();
  }

  attach(connection: Connection): void {
    connection.on("members", () => this.#show(connection));
  }

  clear(): void {
    this.#summary.textContent = "";
    this.#list.replaceChildren(element("li", { class: "muted" }, "Nobody to see until connected"));
  }

  #show({ roster, memberCount }: Connection): void {
    const members = [...roster.values()].sort((a, b) => a.joinedAt - b.joinedAt);
    const sessions = members.reduce((sum, member) => sum + member.sessions, 0);
    this.#summary.textContent = `${counted(memberCount, "person", "people")}, ${counted(sessions, "session", "sessions")}`;
    this.#list.replaceChildren(...members.slice(0, MAX_SHOWN).map((member) => this.#chip(member)));
    const more = memberCount - Math.min(members.length, MAX_SHOWN);
    if (more > 0) this.#list.append(element("li", { class: "muted" }, `and ${more} more`));
  }

  #chip({ user, status, sessions, devices = [] }: Member): HTMLElement {
    const name = element("span", { class: "name" }, user);
    const chip = element("li", { class: "member" }, face(user, statusMark(status)), name);
    if (user === this.#user) chip.append(element("span", { class: "you" }, "you"));
    // That somebody is online goes without saying, but not to whom the mark says nothing.
    const wordClass = status === "online" ? "visually-hidden" : "status-word";
    if (status !== undefined) chip.append(element("span", { class: wordClass }, status));
    for (const device of devices) {
      const label = element("span", { class: "visually-hidden" }, device);
      chip.append(element("span", { class: "device", title: device }, icon(device), label));
    }
    if (sessions > 1) chip.append(element("span", { class: "sessions" }, `${sessions} sessions`));
    return chip;
  }
}

function counted(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}
