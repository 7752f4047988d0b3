/*
 * Where events may be sent. A Worker can't pin what a name resolves to, so that names are refused that are known to
 * lead inside, and every address that is a number; what is left is a risk of the operator who sets the name.
 */

/** Names below which nothing public lies (RFC 6761, RFC 6762, RFC 8375, ICANN's `.internal`), and what networks use. */
const INSIDE = [
  "localhost",
  "local",
  "internal",
  "intranet",
  "lan",
  "home",
  "corp",
  "private",
  "home.arpa",
  "onion",
];
/** Names that resolve to whatever address they spell, or to the loopback. */
const SPELLED = ["nip.io", "sslip.io", "xip.io", "localtest.me", "lvh.me", "vcap.me", "lacolhost.com"];

/** Why events may not be sent to this address; undefined where they may. `isLocal` lets http and loopback pass. */
export function targetFault(address: string, isLocal: boolean): string | undefined {
  const url = URL.parse(address);
  if (url === null) return "must be an address";
  if (url.username !== "" || url.password !== "") return "must not hold credentials";
  if (isLocal && (url.protocol === "http:" || url.protocol === "https:") && isLoopback(url.hostname))
    return undefined;
  if (url.protocol !== "https:" && !(isLocal && url.protocol === "http:")) return "must be https";
  if (url.port !== "" && !isLocal) return "must be on port 443";
  return hostFault(url.hostname);
}

/** The URL parser has made one spelling of all IPv4 addresses: octal, hexadecimal, short, full width. */
function hostFault(hostname: string): string | undefined {
  if (hostname.startsWith("[") || /^[\d.]+$/.test(hostname)) return "must be a name, not an IP address";
  if (hostname.endsWith(".")) return "must not end in a dot";
  if (!hostname.includes(".")) return "must be a full name";
  if (isBelow(hostname, INSIDE)) return "must not be a name of an internal network";
  if (isBelow(hostname, SPELLED)) return "must not be a name that resolves to any address";
  return undefined;
}

function isBelow(hostname: string, zones: readonly string[]): boolean {
  return zones.some((zone) => hostname === zone || hostname.endsWith(`.${zone}`));
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
