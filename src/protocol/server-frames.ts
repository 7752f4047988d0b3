import * as z from "zod";
import { From, Member, Message, Skipped } from "./bodies.ts";
import { Ref } from "./client-frames.ts";
import type { ErrorCode, FieldError, LimitName } from "./codes.ts";
import { DirectMessage } from "./inbox.ts";
import { SessionId, UserId } from "./names.ts";
import { Presence } from "./presence.ts";

/** Where a session stands in a channel: part of `welcome` on a channel connection, and of `subscribed`. */
export const Subscription = z.object({
  channel: z.string(),
  epoch: z.string(),
  offset: z.number().int(),
  recovered: z.boolean(),
  /** The first page of what was missed, or of what `rewind` asked for; the rest follows as `message` frames. */
  messages: z.array(z.union([Message, Skipped])),
  members: z.array(Member).optional(),
  count: z.number().int(),
  cursor: z.string().optional(),
});
export type Subscription = z.infer<typeof Subscription>;

export const WelcomeFrame = z.object({
  type: z.literal("welcome"),
  session: SessionId,
  user: UserId,
  protocol: z.literal(1),
  heartbeat: z.object({ intervalSeconds: z.number(), timeoutSeconds: z.number() }),
  /** When the session's token ends, in milliseconds. */
  expiresAt: z.number().int(),
  limits: z.object({
    maxFrameBytes: z.number().int(),
    maxDataBytes: z.number().int(),
    ratePerSecond: z.number(),
    rateBurst: z.number(),
    maxSubscriptions: z.number().int(),
    maxWatches: z.number().int(),
  }),
  inbox: z.object({ latest: z.number().int(), acked: z.number().int() }).optional(),
  ...Subscription.partial().shape,
});
export type WelcomeFrame = z.infer<typeof WelcomeFrame>;

/** The answer to `subscribe`. */
export const SubscribedFrame = Subscription.extend({ type: z.literal("subscribed"), ref: Ref.optional() });
export type SubscribedFrame = z.infer<typeof SubscribedFrame>;

export const MessageFrame = Message.extend({ type: z.literal("message") });
export type MessageFrame = z.infer<typeof MessageFrame>;

export const SkippedFrame = Skipped.extend({ type: z.literal("message") });
export type SkippedFrame = z.infer<typeof SkippedFrame>;

/** On user connections: a message of the inbox, repeated on each connect until it is acknowledged. */
export const DirectFrame = DirectMessage.extend({ type: z.literal("direct") });
export type DirectFrame = z.infer<typeof DirectFrame>;

export const SignalledFrame = z.object({
  type: z.literal("signal"),
  event: z.string(),
  data: z.unknown().optional(),
  from: From.optional(),
  channel: z.string().optional(),
});
export type SignalledFrame = z.infer<typeof SignalledFrame>;

/**
 * Changes of a roster since the last such frame, merged. Each entry sets a state; a repeat is harmless. Above
 * `MEMBERS_DETAIL_MAX` members it has `count` only.
 */
export const RosterFrame = z.object({
  type: z.literal("members"),
  channel: z.string(),
  count: z.number().int(),
  joined: z.array(Member).optional(),
  left: z.array(z.object({ user: UserId })).optional(),
  changed: z.array(Member).optional(),
});
export type RosterFrame = z.infer<typeof RosterFrame>;

/** A watched user, as this watcher may see it: replaces whatever was known of that user. */
export const WatchedFrame = Presence.extend({ type: z.literal("presence") });
export type WatchedFrame = z.infer<typeof WatchedFrame>;

/** To everybody who is connected, by a back end; not stored. The same `id` may come again on another connection. */
export const BroadcastFrame = z.object({
  type: z.literal("broadcast"),
  id: z.string(),
  event: z.string(),
  data: z.unknown(),
  at: z.number().int(),
});
export type BroadcastFrame = z.infer<typeof BroadcastFrame>;

/** Are you there? Answered at once with the text `ping` or a `heartbeat` frame with the same `n`. */
export const ProbeFrame = z.object({ type: z.literal("probe"), n: z.number().int() });
export type ProbeFrame = z.infer<typeof ProbeFrame>;

export const OkFrame = z.looseObject({ type: z.literal("ok"), ref: Ref.optional() });
export type OkFrame = { type: "ok"; ref?: Ref };

export const ErrorFrame = z.object({
  type: z.literal("error"),
  ref: Ref.optional(),
  /** The subscription to this channel is over, or did not begin. */
  channel: z.string().optional(),
  code: z.string(),
  message: z.string(),
  retryAfterMs: z.number().optional(),
  limit: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export interface ErrorFrame {
  type: "error";
  ref?: Ref;
  channel?: string;
  code: ErrorCode;
  message: string;
  retryAfterMs?: number;
  limit?: LimitName;
  errors?: FieldError[];
}

/** Sent before the server closes, where one can still be sent. */
export const ClosingFrame = z.object({
  type: z.literal("closing"),
  code: z.number().int(),
  reason: z.string(),
  reconnect: z.boolean(),
  retryAfterMs: z.number().optional(),
});
export type ClosingFrame = z.infer<typeof ClosingFrame>;

/** Everything a server may send, one message at a time; a text frame holds one or a non-empty array. */
export type ServerFrame =
  | WelcomeFrame
  | SubscribedFrame
  | MessageFrame
  | SkippedFrame
  | DirectFrame
  | SignalledFrame
  | RosterFrame
  | WatchedFrame
  | BroadcastFrame
  | ProbeFrame
  | (OkFrame & Record<string, unknown>)
  | ErrorFrame
  | ClosingFrame;
