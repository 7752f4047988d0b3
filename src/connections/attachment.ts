import * as z from "zod";
import { LocationHint } from "../objects/placement.ts";
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
  /** Where a socket stands that still reads what it missed; null once it is live. */
  catchUp: z
    .object({
      /** The last offset that was sent to it. */
      offset: z.number(),
      /** Bytes sent to it that it is not known to have read. */
      bytes: z.number(),
      /** When it was asked whether it has read them; null while it may be sent more. */
      askedAt: z.number().nullable(),
    })
    .nullable()
    .default(null),
  /** Users watched over HTTP who have not answered since the welcome are asked again then; null where all have. */
  resume: z.object({ tries: z.number(), dueAt: z.number() }).nullable().default(null),
  /** Own connections: where the session stands in each channel that it is subscribed to. */
  subscriptions: z.string().default(""),
  /** When the client last did something, heartbeats apart; of older versions nothing is known. */
  activeAt: z.number().default(0),
  /** Own connections: up to which `seq` direct messages were sent on it, or seen before it began. */
  sentSeq: z.number().default(0),
  /** That the client is active again was not told to the user's object yet. Channel connections only. */
  isActivityUntold: z.boolean().default(false),
  /** Where the client is; unknown where the Worker does not say. Channel connections only. */
  hint: LocationHint.optional(),
  /** At a relay, on a few of its sockets: how far all that are live were told, and which roster. */
  relayed: z
    .object({
      /** When this was written: the latest counts. */
      at: z.number(),
      epoch: z.string(),
      offset: z.number(),
      roster: z.string(),
      /** Of the last push. */
      number: z.number(),
    })
    .optional(),
  /** The last broadcasts that it was told, by id. */
  broadcasts: z.array(z.string()).default([]),
});
export type Attachment = z.infer<typeof Attachment>;

/**
 * Which form this version writes. It grows with every change of the schema: what another version wrote is parsed by
 * it, what this one wrote is taken at its word, because thousands of sockets may wake at once.
 */
export const FORM = 1;

const HEAD = new RegExp(`^\\{"form":${FORM},"session":"([^"\\\\]{1,64})","isBehind":(true|false),`);

/** What is seen of an attachment of our own form without parsing it. */
export interface Glance {
  session: string;
  /** It still reads what it missed. */
  isBehind: boolean;
}

/** As it is stored: what a glance needs comes first. */
export function attachmentText(state: Attachment): string {
  const { session, ...rest } = state;
  return JSON.stringify({ form: FORM, session, isBehind: rest.catchUp !== null, ...rest });
}

/** Undefined where another version wrote it, or nobody of us. */
export function glanceAt(text: string): Glance | undefined {
  const head = HEAD.exec(text);
  if (head === null) return undefined;
  // A copy: a part of the text would keep all of it in memory.
  return { session: JSON.parse(`"${head[1]}"`) as string, isBehind: head[2] === "true" };
}

/** The attachment of a socket out of sleep, or undefined where it is not ours: then the socket must end. */
export function readAttachment(text: string): Attachment | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!HEAD.test(text)) return Attachment.safeParse(value).data;
    const { form: _, isBehind: __, ...state } = value as Attachment & { form: number; isBehind: boolean };
    return state;
  } catch {
    return undefined; // not JSON: as unreadable as JSON of another shape
  }
}
