import { element } from "./elements.ts";

/** Initials on a colour that belongs to the user id: the same everywhere, with nothing to load. */
export function avatar(user: string): HTMLElement {
  const circle = element("span", { class: "avatar", "aria-hidden": "true" }, initials(user));
  circle.style.setProperty("--hue", String(hueOf(user)));
  return circle;
}

/** One or two letters of a user id. */
export function initials(user: string): string {
  const words = user.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => word.slice(0, 1)) : [user.slice(0, 2)];
  return letters.join("").toUpperCase();
}

/** The colour of a user id: degrees on the colour circle, by FNV-1a: names that differ in one letter lie far apart. */
export function hueOf(user: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < user.length; i++) hash = Math.imul(hash ^ user.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % 360;
}
