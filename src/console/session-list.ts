import type { Session } from "../client/index.ts";
import { element, icon, iconButton } from "./elements.ts";
import { removeRow } from "./remove-row.ts";
import { timeAgo } from "./time-ago.ts";

/** The rest of the moment is in the tooltip: rows are narrow. */
const MINUTES = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

interface Row {
  element: HTMLElement;
  seen: HTMLElement;
  you: HTMLElement;
}

/**
 * A row a session. A refresh changes the rows that are there and never makes them anew: the focus stays, and
 * a screen reader is not sent back to the top.
 */
export class SessionList {
  readonly element: HTMLElement;
  readonly #rows = new Map<string, Row>();
  readonly #end: (session: string) => void;

  constructor(user: string, end: (session: string) => void) {
    this.element = element("ul", { class: "session-list", "aria-label": `Sessions of ${user}` });
    this.#end = end;
  }

  /** Shows these and no others; `own` is the session of this very card. */
  show(sessions: readonly Session[], own: string | undefined): void {
    const live = new Set(sessions.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (live.has(id)) continue;
      this.#rows.delete(id);
      removeRow(row.element);
    }
    for (const session of sessions) this.#refresh(session, own);
  }

  #refresh(session: Session, own: string | undefined): void {
    const row = this.#rows.get(session.id) ?? this.#add(session);
    row.seen.textContent = `seen ${timeAgo(session.lastSeenAt, Date.now())}`;
    row.you.hidden = session.id !== own;
  }

  #add(session: Session): Row {
    const { id, device, transport, connectedAt } = session;
    const place = placeOf(session);
    const end = iconButton("remove", `End session: ${device.type}, ${place}`);
    end.addEventListener("click", () => this.#end(id));
    const seen = element("span", { class: "seen" });
    const you = element("span", { class: "you badge" }, "this card");
    const since = element("time", {}, `since ${MINUTES.format(connectedAt)}`);
    since.dateTime = new Date(connectedAt).toISOString();
    since.title = new Date(connectedAt).toLocaleString();
    const words = element(
      "div",
      { class: "session-words" },
      element("p", { class: "session-place" }, element("span", { class: "name" }, place), you, seen),
      element("p", { class: "session-facts" }, element("span", {}, device.type), transport, since),
    );
    const item = element("li", { title: `session ${id}` }, icon(device.type), words, end);
    const row = { element: item, seen, you };
    this.#rows.set(id, row);
    this.element.append(item);
    return row;
  }
}

/** Where a session is kept: by its channel, or by the user's own object. */
function placeOf({ channel }: Session): string {
  return channel === undefined ? "own connection" : channel;
}
