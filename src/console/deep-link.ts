/** What the address bar says about the page: who is here, and in which channel. */
export interface DeepLink {
  people: string[];
  /** Who is here on their own connection too. */
  own: string[];
  channel: string;
}

/** With nothing to choose in the first minute, the first click shows two people meeting. */
const DEFAULT: DeepLink = { people: ["ann", "ben"], own: [], channel: "lobby" };
/** Each person is a connection; more cards than this no one can watch. */
export const MAX_PEOPLE = 12;
const NAME = /^[A-Za-z0-9_\-.:@=+~]{1,128}$/;

/** Reads `?people=ann,ben&own=ann&channel=lobby`. What is no name is left out. A name said twice is two devices. */
export function readDeepLink(search: string): DeepLink {
  // `+` belongs to the alphabet of names, and URLSearchParams would make it a space.
  const query = new URLSearchParams(search.replaceAll("+", "%2B"));
  const namesIn = (key: string) => (query.get(key) ?? "").split(",").filter((name) => NAME.test(name));
  const people = namesIn("people");
  const channel = query.get("channel") ?? "";
  return {
    people: people.length > 0 ? people.slice(0, MAX_PEOPLE) : DEFAULT.people,
    own: namesIn("own"),
    channel: NAME.test(channel) ? channel : DEFAULT.channel,
  };
}

export function writeDeepLink({ people, own, channel }: DeepLink): string {
  const list = (names: string[]) => names.map(encodeURIComponent).join(",");
  const more = own.length === 0 ? "" : `&own=${list(own)}`;
  return `?people=${list(people)}${more}&channel=${encodeURIComponent(channel)}`;
}
