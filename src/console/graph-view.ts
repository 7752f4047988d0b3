import { hueOf, initials } from "./avatar.ts";
import { element } from "./elements.ts";
import { arrow, distinct, layOut, type Point, type Watch, watchesByUser } from "./graph-layout.ts";
import { listWatchers, listWatching } from "./presence-routes.ts";
import { reasonOf } from "./problem.ts";
import { Question } from "./question.ts";
import type { Owner } from "./session-routes.ts";

const SVG = "http://www.w3.org/2000/svg";
const REFRESH_MS = 2_000;
const [RADIUS, RIM] = [112, 22];
/** Longer names are cut off in the picture; the list has them whole. */
const MAX_NAME = 12;

/** Who watches whom among the people of the page and those around them. Asks only while it is looked at. */
export class GraphView {
  readonly element: HTMLElement;
  readonly #owners: () => Promise<Owner[]>;
  readonly #svg = document.createElementNS(SVG, "svg");
  readonly #list = element("ul", { class: "watch-words", "aria-label": "Who watches whom" });
  readonly #problem = element("p", { class: "problem", role: "alert" });
  readonly #question = new Question(() => this.#read());
  #timer: ReturnType<typeof setTimeout> | undefined;
  #drawn = "";

  /** `owners` are the people of the page, with the tokens that prove it. */
  constructor(owners: () => Promise<Owner[]>) {
    this.#owners = owners;
    this.#svg.setAttribute("class", "graph");
    this.#svg.setAttribute("viewBox", "-190 -165 380 330");
    this.#svg.setAttribute("role", "img");
    this.#svg.setAttribute("aria-label", "Watch graph: not read yet");
    const heading = element("h2", { id: "graph-heading", tabindex: "-1" }, "Who watches whom");
    const about =
      "An arrow goes from who watches to who is watched. Watch somebody in the drawer “Watching” of a card.";
    const picture = element("div", { class: "graph-and-words" });
    picture.append(this.#svg, this.#list);
    this.element = element(
      "section",
      { class: "view", "aria-labelledby": "graph-heading" },
      element("div", { class: "view-head" }, heading),
      element("p", { class: "muted about" }, about),
      this.#problem,
      picture,
    );
  }

  /** The view is looked at, or no longer. */
  show(): void {
    clearTimeout(this.#timer);
    if (this.#isLookedAt) this.#question.put();
  }

  get #isLookedAt(): boolean {
    return this.element.checkVisibility() && document.visibilityState === "visible";
  }

  /** Never rejects: what goes wrong is shown, and asked again later. */
  async #read(): Promise<void> {
    try {
      const owners = await this.#owners();
      const read = await Promise.all(owners.map(watchesOf));
      this.#draw(
        owners.map(({ user }) => user),
        distinct(read.flat()),
      );
      this.#problem.textContent = "";
    } catch (error) {
      this.#problem.textContent = `Not read: ${reasonOf(error)}`;
    }
    clearTimeout(this.#timer);
    if (this.#isLookedAt) this.#timer = setTimeout(() => this.show(), REFRESH_MS);
  }

  #draw(people: readonly string[], watches: readonly Watch[]): void {
    const users = [...new Set([...people, ...watches.flatMap(({ from, to }) => [from, to])])];
    const drawn = JSON.stringify([users, watches]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const points = layOut(users, RADIUS);
    const at = (user: string): Point => points.get(user) ?? { x: 0, y: 0 };
    const arrows = watches.map(({ from, to }) =>
      shape("path", { class: "watch", d: arrow(at(from), at(to), RIM) }),
    );
    this.#svg.replaceChildren(arrowHead(), ...arrows, ...users.map((user) => node(user, at(user))));
    const count = `${users.length} people, ${watches.length} watches`;
    this.#svg.setAttribute("aria-label", `Watch graph: ${count}; in words beside it`);
    const words = watchesByUser(watches).map(([user, targets]) =>
      element("li", {}, element("strong", {}, user), ` watches ${targets.join(", ")}`),
    );
    this.#list.replaceChildren(
      ...(words.length > 0 ? words : [element("li", { class: "muted" }, "Nobody watches anybody.")]),
    );
  }
}

/** Those of one person, in both directions. */
async function watchesOf(owner: Owner): Promise<Watch[]> {
  const [watching, watchers] = await Promise.all([listWatching(owner), listWatchers(owner)]);
  return [
    ...watching.map((to) => ({ from: owner.user, to })),
    ...watchers.map((from) => ({ from, to: owner.user })),
  ];
}

function shape<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string>,
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function arrowHead(): SVGElement {
  const attributes = { id: "arrow-head", viewBox: "0 0 8 8", refX: "4", refY: "4", orient: "auto" };
  const marker = shape("marker", { ...attributes, markerWidth: "7", markerHeight: "7" });
  marker.append(shape("path", { class: "head", d: "M0 0 8 4 0 8Z" }));
  return marker;
}

function node(user: string, { x, y }: Point): SVGElement {
  const group = shape("g", { class: "node", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` });
  group.style.setProperty("--hue", String(hueOf(user)));
  const middle = { "text-anchor": "middle", "dominant-baseline": "central" };
  const letters = shape("text", { class: "initials", ...middle });
  letters.textContent = initials(user);
  const name = shape("text", { class: "node-name", y: String(RIM + 12), ...middle });
  name.textContent = user.length > MAX_NAME ? `${user.slice(0, MAX_NAME - 1)}…` : user;
  const tooltip = shape("title", {});
  tooltip.textContent = user;
  group.append(shape("circle", { r: String(RIM) }), letters, name, tooltip);
  return group;
}
