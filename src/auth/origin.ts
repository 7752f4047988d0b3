import type { Settings } from "../config.ts";

const serialisedLists = new WeakMap<readonly string[], ReadonlySet<string>>();

/**
 * Whether a request with this `Origin` header may go on (`null`: it has none, so no browser sent it). The
 * list is exact: no suffixes, no patterns (CWE-1385). A browser sends its origin serialised (RFC 6454,
 * section 6.2), so the header is compared as it is; any other spelling comes from no browser.
 */
export function originAllowed(origin: string | null, settings: Settings): boolean {
  if (origin === null) return true;
  const allowed = serialisedOrigins(settings.ALLOWED_ORIGINS);
  return allowed.has("*") || allowed.has(origin);
}

function serialisedOrigins(list: readonly string[]): ReadonlySet<string> {
  const known = serialisedLists.get(list);
  if (known !== undefined) return known;
  const made: ReadonlySet<string> = new Set(list.map(serialise));
  serialisedLists.set(list, made);
  return made;
}

/** Lower case and no default port, as browsers write it. Settings have checked that the entry is an origin. */
function serialise(entry: string): string {
  if (entry === "*" || entry === "null") return entry;
  const { origin, protocol, host } = new URL(entry);
  // Schemes that the URL standard does not know, such as capacitor:, have the opaque origin "null" there,
  // while their web views send scheme and host.
  return origin === "null" ? `${protocol}//${host}`.toLowerCase() : origin;
}
