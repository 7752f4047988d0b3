import * as z from "zod";
import { MAX_EVENT_CHARACTERS, MAX_KEY_CHARACTERS, MAX_MESSAGE_TTL_SECONDS, MAX_PAGE } from "./limits.ts";
import { Device, DeviceType, plainText, SessionId, UserId } from "./names.ts";
import { Status } from "./presence.ts";

export const EventName = plainText(MAX_EVENT_CHARACTERS).min(1);

/** Any JSON value, but it must be there: `undefined` is not JSON. */
const Data = z.unknown().refine((data) => data !== undefined, "required");

/** The same key of the same principal publishes once. Also the header `Idempotency-Key`. */
export const IdempotencyKey = plainText(MAX_KEY_CHARACTERS).min(1);

/** Whom a message is not for: the sessions that match all that is named. */
export const Exclusion = z.object({
  session: SessionId.optional(),
  user: UserId.optional(),
  device: plainText(64).min(1).optional(),
});
export type Exclusion = z.infer<typeof Exclusion>;

/** Body of a publish, over HTTP and as a frame. `data` is any JSON of at most `MAX_DATA_BYTES`. */
export const PublishBody = z.object({
  data: Data,
  event: EventName.default("message"),
  key: IdempotencyKey.optional(),
  exclude: Exclusion.optional(),
  ttlSeconds: z.number().int().min(1).max(MAX_MESSAGE_TTL_SECONDS).optional(),
});
export type PublishBody = z.infer<typeof PublishBody>;

/** Body of a signal: sent to who is there now, never stored. */
export const SignalBody = z.object({ event: EventName, data: z.unknown().optional() });
export type SignalBody = z.infer<typeof SignalBody>;

/** Who said it; absent when a back end did. */
export const From = z.object({ user: UserId, session: SessionId.optional(), device: z.string().optional() });
export type From = z.infer<typeof From>;

/** A stored message of a channel. `offset` is dense from 1 within `epoch`; `at` in milliseconds. */
export const Message = z.object({
  id: z.string(),
  channel: z.string(),
  offset: z.number().int(),
  event: z.string(),
  data: z.unknown(),
  from: From.optional(),
  at: z.number().int(),
});
export type Message = z.infer<typeof Message>;

/** In place of messages that are not for this session, or are over: `offset` is the last of a run of them. */
export const Skipped = z.object({
  channel: z.string(),
  offset: z.number().int(),
  skipped: z.literal(true),
});
export type Skipped = z.infer<typeof Skipped>;

/** One user in a channel, however many sessions. */
export const Member = z.object({
  user: UserId,
  info: z.record(z.string(), z.unknown()).optional(),
  /** Left out, like `devices`, where the member's `visibility` is not `everyone`. */
  status: Status.optional(),
  sessions: z.number().int(),
  devices: z.array(DeviceType).optional(),
  joinedAt: z.number().int(),
  /** Invisible: shown to back ends only. */
  hidden: z.literal(true).optional(),
});
export type Member = z.infer<typeof Member>;

/** One live connection. `ip` is shown to the user and to keys only. */
export const Session = z.object({
  id: SessionId,
  user: UserId,
  device: Device,
  transport: z.enum(["websocket", "sse"]),
  channel: z.string().optional(),
  connectedAt: z.number().int(),
  lastSeenAt: z.number().int(),
  ip: z.string().optional(),
  region: z.string().optional(),
});
export type Session = z.infer<typeof Session>;

/** Answer to a publish. */
export const Published = z.object({
  id: z.string(),
  channel: z.string(),
  epoch: z.string(),
  offset: z.number().int(),
  at: z.number().int(),
  /** The key was used before, with this very body: this is the first result. */
  duplicate: z.literal(true).optional(),
});
export type Published = z.infer<typeof Published>;

/**
 * One page of a channel's log, by the limit asked for or about 1 MiB. `offset` is the top of the log, not of
 * the page; `epoch` is null for a channel that nobody has used.
 */
export const MessagePage = z.object({
  epoch: z.string().nullable(),
  offset: z.number().int(),
  messages: z.array(Message),
});
export type MessagePage = z.infer<typeof MessagePage>;

/** Where to read in a log: `after` and `before` are exclusive. */
export const MessageQuery = z.object({
  after: z.number().int().min(0).optional(),
  before: z.number().int().min(1).optional(),
  limit: z.number().int().min(1).max(MAX_PAGE).default(100),
  order: z.enum(["asc", "desc"]).default("asc"),
});
export type MessageQuery = z.infer<typeof MessageQuery>;

/** One page of a roster, by user id. `count` is of members, `sessions` of live connections. */
export const MemberPage = z.object({
  count: z.number().int(),
  sessions: z.number().int(),
  members: z.array(Member),
  cursor: z.string().optional(),
});
export type MemberPage = z.infer<typeof MemberPage>;

export const MemberQuery = z.object({
  cursor: UserId.optional(),
  limit: z.number().int().min(1).max(1000).default(100),
});
export type MemberQuery = z.infer<typeof MemberQuery>;

/** `GET /v1/channels/:channel`, for back ends. */
export const ChannelSummary = z.object({
  channel: z.string(),
  members: z.number().int(),
  sessions: z.number().int(),
  subscribers: z.number().int(),
  epoch: z.string().nullable(),
  offset: z.number().int(),
  relays: z.number().int(),
  /** Members by where their connections to the channel are, as far as that is known. */
  regions: z.record(z.string(), z.number().int()),
  createdAt: z.number().int().nullable(),
});
export type ChannelSummary = z.infer<typeof ChannelSummary>;
