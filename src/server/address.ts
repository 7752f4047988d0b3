import { RollcallError } from "./errors.ts";

/** The address of the service as a URL that ends in `/`; a path in it is kept. Throws a TypeError that says what is wrong. */
export function serviceAddress(url: string | URL): URL {
  const address = new URL(url);
  if (!/^https?:$/.test(address.protocol)) throw new TypeError("url must begin with http:// or https://");
  address.search = "";
  address.hash = "";
  if (!address.pathname.endsWith("/")) address.pathname += "/";
  return address;
}

/** Parts of a query; what is undefined is left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** A path from the root of the service on, with its query. */
export function withQuery(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  if (given.length === 0) return path;
  return `${path}?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))}`;
}

/**
 * A name as a part of a path. Throws a `RollcallError` of this code where the path would be another one: URLs fold `.`
 * and `..` away, however they are escaped, and an empty part is none, so that `/v1/users/../presence` would ask for
 * everybody's. What else is no name the service refuses itself.
 */
export function segment(name: string, code: "invalid_channel" | "invalid_user" | "not_found"): string {
  if (typeof name === "string" && !["", ".", ".."].includes(name)) return encodeURIComponent(name);
  throw new RollcallError(code, `${JSON.stringify(name)} can't stand in an address`);
}
