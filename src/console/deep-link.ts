/** What the address bar says about the page: who is here, and in which channel. */
export interface DeepLink {
  people: string[];
  channel: string;
}

/** With nothing to choose in the first minute, the first click shows two people meeting. */
const DEFAULT: DeepLink = { people: ["ann", "ben"], channel: "lobby" };
/** Each person is a connection; more cards than this no one can watch. */
export const MAX_PEOPLE = 12;
const NAME = /^[A-Za-z0-9_\-.:@=+~]{1,128}$/;

/** Reads `?people=ann,ben&channel=lobby`. What is no name is left out. A name said twice is two devices. */
export function readDeepLink(search: string): DeepLink {
  // `+` belongs to the alphabet of names, and URLSearchParams would make it a space.
  const query = new URLSearchParams(search.replaceAll("+", "%2B"));
  const people = (query.get("people") ?? "").split(",").filter((name) => NAME.test(name));
  const channel = query.get("channel") ?? "";
  return {
    people: people.length > 0 ? people.slice(0, MAX_PEOPLE) : DEFAULT.people,
    channel: NAME.test(channel) ? channel : DEFAULT.channel,
  };
}

export function writeDeepLink({ people, channel }: DeepLink): string {
  const names = people.map(encodeURIComponent).join(",");
  return `?people=${names}&channel=${encodeURIComponent(channel)}`;
}
