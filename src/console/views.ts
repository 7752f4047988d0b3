/** One view of the page. */
export interface View {
  element: HTMLElement;
  /** It is looked at from now on, or no longer; `path` is what the address says after its name. */
  show(path: readonly string[]): void;
}

/** The first one is what an address without a view shows. */
export type ViewName = "people" | "log" | "graph" | "events" | "operator";

/**
 * Shows the view that the address names after `#`, and marks its link. Links and the back button do the rest, so that
 * every view can be sent to somebody.
 */
export class Views {
  readonly #views: Readonly<Record<ViewName, View>>;
  readonly #links: readonly HTMLAnchorElement[];
  readonly #changed: (name: ViewName) => void;

  constructor(nav: HTMLElement, views: Readonly<Record<ViewName, View>>, changed: (name: ViewName) => void) {
    this.#views = views;
    this.#links = [...nav.querySelectorAll("a")];
    this.#changed = changed;
    addEventListener("hashchange", () => {
      const name = this.show();
      this.#views[name].element.querySelector("h2")?.focus({ preventScroll: true });
      scrollTo({ top: 0 });
    });
  }

  /** Brings the page in line with the address. Answers the view that is looked at. */
  show(): ViewName {
    const [first = "", ...path] = location.hash.slice(1).split("/").map(decoded);
    const name = isName(first, this.#views) ? first : "people";
    this.#changed(name);
    for (const [other, { element }] of Object.entries(this.#views)) {
      element.hidden = other !== name && other !== "events";
    }
    for (const [other, view] of Object.entries(this.#views)) view.show(other === name ? path : []);
    for (const link of this.#links) {
      if (link.hash.slice(1) === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    return name;
  }
}

function isName(text: string, views: object): text is ViewName {
  return Object.hasOwn(views, text);
}

/** What is no encoding is taken as it stands. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
