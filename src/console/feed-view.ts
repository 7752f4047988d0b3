import { element, timeOfDay } from "./elements.ts";
import { FEED_KINDS, Feed, type FeedEntry, type Happening, passes } from "./feed.ts";

/** More rows than this nobody reads; the rest is found with the filters. */
const MAX_SHOWN = 120;

/** What happens on the page, the newest first, with filters. Only faults are read out: all of it would be noise. */
export class FeedView {
  readonly element: HTMLElement;
  readonly #feed = new Feed();
  readonly #list = element("ol", { class: "feed", tabindex: "0", "aria-label": "Events, newest first" });
  readonly #who = element("select", { "aria-label": "Events of whom" });
  readonly #kind = element("select", { "aria-label": "Kind of events" });
  readonly #said = element("p", { class: "visually-hidden", role: "status" });
  readonly #none = element("p", { class: "muted feed-none" });
  readonly #rows = new Map<number, HTMLElement>();

  constructor() {
    const kinds = FEED_KINDS.map((kind) => element("option", { value: kind }, kind));
    this.#kind.append(element("option", { value: "" }, "everything"), ...kinds);
    this.#who.append(element("option", { value: "" }, "everybody"));
    for (const choice of [this.#who, this.#kind]) choice.addEventListener("change", () => this.#redraw());
    const clear = element("button", { class: "button small", type: "button" }, "Clear");
    clear.addEventListener("click", () => {
      this.#feed.clear();
      this.#redraw();
    });
    const heading = element("h2", { id: "feed-heading", tabindex: "-1" }, "Events");
    const choices = element("div", { class: "feed-choices" }, this.#who, this.#kind);
    const head = element("div", { class: "feed-head" }, heading, clear, choices);
    const about = { class: "feed-panel", "aria-labelledby": "feed-heading" };
    this.element = element("section", about, head, this.#none, this.#list, this.#said);
    this.#redraw();
  }

  add(happening: Happening): void {
    const added = this.#feed.add(happening, Date.now());
    if (added === undefined) return;
    const { entry, isNew } = added;
    this.#offer(entry.who);
    if (entry.kind === "fault" && isNew) this.#said.textContent = `${entry.who}: ${entry.words}`;
    if (!passes(entry, this.#filter)) return;
    const row = rowOf(entry);
    const shown = this.#rows.get(entry.id);
    this.#rows.set(entry.id, row);
    if (shown?.parentElement) shown.replaceWith(row);
    else if (isNew) this.#list.prepend(row);
    this.#trim();
  }

  get #filter() {
    return { who: this.#who.value, kind: this.#kind.value };
  }

  #offer(user: string): void {
    if ([...this.#who.options].some(({ value }) => value === user)) return;
    this.#who.append(element("option", { value: user }, user));
  }

  #redraw(): void {
    const entries = this.#feed.entries.filter((entry) => passes(entry, this.#filter)).slice(-MAX_SHOWN);
    this.#rows.clear();
    for (const entry of entries) this.#rows.set(entry.id, rowOf(entry));
    this.#list.replaceChildren(...[...this.#rows.values()].reverse());
    this.#trim();
  }

  #trim(): void {
    while (this.#list.childElementCount > MAX_SHOWN) this.#list.lastElementChild?.remove();
    for (const [id, row] of this.#rows) if (row.parentElement === null) this.#rows.delete(id);
    const isEmpty = this.#list.childElementCount === 0;
    this.#list.hidden = isEmpty;
    this.#none.hidden = !isEmpty;
    const isFiltered = this.#feed.entries.length > 0;
    this.#none.textContent = isFiltered
      ? "Nothing of that kind."
      : "Nothing has happened yet. Connect everyone.";
  }
}

function rowOf({ at, kind, who, words, seenBy }: FeedEntry): HTMLElement {
  const time = element("time", { datetime: new Date(at).toISOString() }, timeOfDay(at));
  const badge = element("span", { class: "kind-of", "data-kind": kind }, kind);
  const said = element(
    "p",
    { class: "happened" },
    element("strong", {}, who),
    `${kind === "fault" ? ":" : ""} ${words}`,
  );
  const others = seenBy.filter((user) => user !== who);
  const row = element("li", {}, element("p", { class: "feed-facts" }, time, badge), said);
  if (others.length > 0) row.append(element("p", { class: "seen-by" }, `seen by ${others.join(", ")}`));
  return row;
}
