import type { Presence } from "../client/index.ts";
import { timeAgo } from "./time-ago.ts";

const MINUTE_MS = 60_000;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** What a person says of themselves beside the status; empty where that is nothing. */
export function saidBy({ emoji = "", text = "" }: Presence): string {
  return [emoji, text].filter((part) => part !== "").join(" ");
}

/** When somebody was last there. Others are told the minute, so that anything finer would be made up. */
export function lastSeen({ status, lastActiveAt }: Presence, now: number): string {
  if (lastActiveAt === null) return "never seen";
  const ago = now - lastActiveAt < MINUTE_MS ? "just now" : timeAgo(lastActiveAt, now);
  return `${status === "offline" || status === "invisible" ? "last seen" : "active"} ${ago}`;
}

/** Until when it holds; empty where it holds until something else is said. */
export function until({ expiresAt }: Presence, now: number): string {
  if (expiresAt === undefined) return "";
  const isSoon = expiresAt - now < 24 * 60 * MINUTE_MS;
  return `until ${isSoon ? CLOCK.format(expiresAt) : DAY.format(expiresAt)}`;
}
