import type { Settings } from "../config.ts";
import type { Capability, Claims } from "../protocol/claims.ts";
import { isPrivateChannel } from "../protocol/names.ts";

type DefaultGrants = Settings["DEFAULT_GRANTS"];

/**
 * Whether `name` fits `pattern`, in which `*` stands for any run of characters, the empty one included.
 * Each part between stars is taken at its leftmost place and never given back: no backtracking, so a
 * hostile pattern costs what a long one does.
 */
export function matches(pattern: string, name: string): boolean {
  const [head = "", ...parts] = pattern.split("*");
  const tail = parts.pop();
  if (tail === undefined) return pattern === name;
  if (!name.startsWith(head)) return false;
  let at = head.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at + tail.length <= name.length && name.endsWith(tail);
}

/** Whether these claims give `capability` on `channel`. What several patterns give adds up. */
export function mayUseChannel(
  claims: Claims,
  capability: Capability,
  channel: string,
  defaultGrants: DefaultGrants,
): boolean {
  if (claims.channels === undefined) return defaultGrants === "open" && !isPrivateChannel(channel);
  return Object.entries(claims.channels).some(
    ([pattern, capabilities]) => capabilities.includes(capability) && patternReaches(pattern, channel),
  );
}

/** Whether these claims let their user watch or read the presence of `user`; one's own is always open. */
export function mayWatch(claims: Claims, user: string, defaultGrants: DefaultGrants): boolean {
  return claims.sub === user || namesUser(claims.watch, user, defaultGrants);
}

/** Whether these claims let their user send direct messages and signals to `user`. */
export function maySend(claims: Claims, user: string, defaultGrants: DefaultGrants): boolean {
  return namesUser(claims.send, user, defaultGrants);
}

/** `*` or `priv*` would open private channels by accident: only a pattern that says `private:` does. */
function patternReaches(pattern: string, channel: string): boolean {
  if (isPrivateChannel(channel) && !isPrivateChannel(pattern)) return false;
  return matches(pattern, channel);
}

function namesUser(patterns: string[] | undefined, user: string, defaultGrants: DefaultGrants): boolean {
  if (patterns === undefined) return defaultGrants === "open";
  return patterns.some((pattern) => matches(pattern, user));
}
