import * as z from "zod";
import { Claims } from "../protocol/claims.ts";
import { Device, SessionId } from "../protocol/names.ts";

/**
 * What a socket carries through hibernation: all that is needed to serve it. At most 16 KB, of which the
 * claims may take 8. Unknown fields of a newer version are dropped, missing ones of an older have defaults.
 */
export const Attachment = z.object({
  session: SessionId,
  device: Device,
  claims: Claims,
  connectedAt: z.number(),
  /** When a frame of the client was last heard, to within a quarter of the TTL. Pings are not counted here. */
  heardAt: z.number(),
  /** When the client was last asked whether it is there; null when it has answered since. */
  probedAt: z.number().nullable().default(null),
  /** When the client last did something, heartbeats apart; of older versions nothing is known. */
  activeAt: z.number().default(0),
  /** That the client is active again was not told to the user's object yet. Channel connections only. */
  isActivityUntold: z.boolean().default(false),
});
export type Attachment = z.infer<typeof Attachment>;

/** The attachment of a socket out of sleep, or undefined where it is not ours: then the socket must end. */
export function readAttachment(text: string): Attachment | undefined {
  try {
    return Attachment.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // not JSON: as unreadable as JSON of another shape
  }
}
