type Child = Node | string;

/**
 * An element with attributes and children. Strings become text nodes, never markup: what people and
 * servers say is shown as they said it.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the icons that index.html holds; for the eyes only, so its button or text needs a name. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A button that shows only an icon; `name` is what it is called, as a tooltip too. */
export function iconButton(iconName: string, name: string): HTMLButtonElement {
  const attributes = { type: "button", class: "icon-button", "aria-label": name, title: name };
  return element("button", attributes, icon(iconName));
}

/** The element with this id in index.html. Throws where the page and the script have parted. */
export function pageElement<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} with the id ${id}`);
  return found;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Time of day of a moment in milliseconds. */
export function timeOfDay(at: number): string {
  return CLOCK.format(at);
}
