import type { Presence } from "../client/index.ts";
import { element, icon, iconButton } from "./elements.ts";
import { lastSeen, saidBy } from "./presence-words.ts";
import { removeRow } from "./remove-row.ts";
import { face, setStatus, statusMark } from "./status-mark.ts";

interface Row {
  element: HTMLElement;
  mark: HTMLElement;
  word: HTMLElement;
  seen: HTMLElement;
  said: HTMLElement;
  devices: HTMLElement;
  presence: Presence;
}

/** A row for each person who is watched. News changes the row that is there: the focus stays. */
export class WatchList {
  readonly element: HTMLElement;
  readonly #rows = new Map<string, Row>();
  readonly #stop: (user: string) => void;

  constructor(user: string, stop: (user: string) => void) {
    this.element = element("ul", { class: "session-list watch-list", "aria-label": `Watched by ${user}` });
    this.#stop = stop;
  }

  get size(): number {
    return this.#rows.size;
  }

  show(presence: Presence): void {
    const row = this.#rows.get(presence.user) ?? this.#add(presence);
    row.presence = presence;
    const { status, devices } = presence;
    setStatus(row.mark, status);
    row.element.dataset.status = status;
    row.word.textContent = status;
    row.said.textContent = saidBy(presence);
    row.devices.replaceChildren(...devices.map(deviceIcon));
    row.seen.textContent = lastSeen(presence, Date.now());
  }

  /** Time has passed. */
  tick(): void {
    for (const { seen, presence } of this.#rows.values()) seen.textContent = lastSeen(presence, Date.now());
  }

  remove(user: string): void {
    const row = this.#rows.get(user);
    this.#rows.delete(user);
    if (row !== undefined) removeRow(row.element);
  }

  clear(): void {
    for (const user of [...this.#rows.keys()]) this.remove(user);
  }

  #add(presence: Presence): Row {
    const { user } = presence;
    const stop = iconButton("remove", `Stop watching ${user}`);
    stop.addEventListener("click", () => this.#stop(user));
    const [mark, devices] = [statusMark(undefined), element("span", { class: "devices" })];
    const [word, said] = [
      element("span", { class: "status-word" }),
      element("span", { class: "status-said" }),
    ];
    const seen = element("span", { class: "seen" });
    const name = element("span", { class: "name" }, user);
    const words = element(
      "div",
      { class: "session-words" },
      element("p", { class: "session-place" }, name, devices, seen),
      element("p", { class: "session-facts" }, word, said),
    );
    const item = element("li", {}, face(user, mark), words, stop);
    const row = { element: item, mark, word, seen, said, devices, presence };
    this.#rows.set(user, row);
    this.element.append(item);
    return row;
  }
}

function deviceIcon(device: string): HTMLElement {
  const label = element("span", { class: "visually-hidden" }, device);
  return element("span", { class: "device", title: device }, icon(device), label);
}
