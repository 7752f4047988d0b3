import * as z from "zod";
import { type PresenceChange, SetStatus } from "../../protocol/presence.ts";

/** What a user said of itself, for one session or for all: as it is stored. */
export const Setting = z.object({
  status: SetStatus.optional(),
  text: z.string().optional(),
  emoji: z.string().optional(),
  /** When all of it ends, in milliseconds; absent where it holds until it is said anew. */
  expiresAt: z.number().optional(),
  /** When it was said: of two that are equal the later one speaks. */
  saidAt: z.number(),
});
export type Setting = z.infer<typeof Setting>;

/**
 * The setting after a change: what is left out stays, null and the empty text take back. Whoever says
 * something says how long all of it holds. Null where nothing is left.
 */
export function changed(setting: Setting | null, change: PresenceChange, now: number): Setting | null {
  const { status, text, emoji, expiresInSeconds } = change;
  if (status === undefined && text === undefined && emoji === undefined && expiresInSeconds === undefined) {
    return setting;
  }
  const next: Setting = { saidAt: now };
  const kept = { status: status === undefined ? setting?.status : (status ?? undefined) };
  if (kept.status !== undefined) next.status = kept.status;
  const said = {
    text: text === undefined ? setting?.text : text,
    emoji: emoji === undefined ? setting?.emoji : emoji,
  };
  if (said.text) next.text = said.text;
  if (said.emoji) next.emoji = said.emoji;
  if (next.status === undefined && next.text === undefined && next.emoji === undefined) return null;
  if (expiresInSeconds !== undefined) next.expiresAt = now + Math.ceil(expiresInSeconds * 1000);
  return next;
}
