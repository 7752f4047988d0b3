import * as z from "zod";
import { EventName, MemberQuery, MessageQuery, PublishBody } from "./bodies.ts";
import { MAX_EVENTS_PER_FILTER, MAX_WATCHED_PER_FRAME } from "./limits.ts";
import { ChannelName, Device, UserId } from "./names.ts";
import { PresenceChange, SeenStatus } from "./presence.ts";

/** Of the client's choosing; the answer carries it back. */
export const Ref = z.union([z.string().max(128), z.number()]);
export type Ref = z.infer<typeof Ref>;

const ref = { ref: Ref.optional() };

export const PublishFrame = PublishBody.extend({
  type: z.literal("publish"),
  channel: ChannelName.optional(),
  ...ref,
});

export const SignalFrame = z.object({
  type: z.literal("signal"),
  event: EventName,
  data: z.unknown().optional(),
  channel: ChannelName.optional(),
  user: UserId.optional(),
  ...ref,
});

export const HistoryFrame = MessageQuery.extend({
  type: z.literal("history"),
  channel: ChannelName.optional(),
  ...ref,
});

export const MembersFrame = MemberQuery.extend({
  type: z.literal("members"),
  channel: ChannelName.optional(),
  ...ref,
});

/**
 * On a user connection: subscribes the session, of all events or of these. While it is subscribed, and on a channel
 * connection for its own channel, it is the check that nothing was missed after this position.
 */
export const SubscribeFrame = z.object({
  type: z.literal("subscribe"),
  channel: ChannelName.optional(),
  epoch: z.string().max(64).optional(),
  offset: z.number().int().min(0).optional(),
  rewind: z.number().int().min(0).optional(),
  events: z.array(EventName).min(1).max(MAX_EVENTS_PER_FILTER).optional(),
  ...ref,
});

/** Ends a subscription of a user connection, without a grace. */
export const UnsubscribeFrame = z.object({ type: z.literal("unsubscribe"), channel: ChannelName, ...ref });
/** A direct message to all devices of a user, queued while they are away. */
export const SendFrame = PublishBody.extend({ type: z.literal("send"), user: UserId, ...ref });

/** All direct messages up to `seq` are done with, for this connection's device. Never answered. */
export const AckFrame = z.object({ type: z.literal("ack"), seq: z.number().int().min(0), ...ref });

/** Same effect as the text `ping`, for clients that can only send JSON; `n` answers a `probe`. */
export const HeartbeatFrame = z.object({
  type: z.literal("heartbeat"),
  n: z.number().int().optional(),
  device: Device.optional(),
  ...ref,
});

/** What the user says of itself: for this session, or for all with the scope `user`. */
export const PresenceFrame = PresenceChange.extend({ type: z.literal("presence"), ...ref });

const users = z.array(UserId).min(1).max(MAX_WATCHED_PER_FRAME);

/** Watches these users for as long as the session lives; of their changes those to a status in `only` are told. */
export const WatchFrame = z.object({
  type: z.literal("watch"),
  users,
  only: z.array(SeenStatus).min(1).optional(),
  ...ref,
});

/** Gives up what this session holds of these users; what others hold stays. */
export const UnwatchFrame = z.object({ type: z.literal("unwatch"), users, ...ref });

/** A new token of the same user: the session goes on with it. */
export const AuthFrame = z.object({ type: z.literal("auth"), token: z.string().max(16_384), ...ref });

/** Everything a client may send, one message at a time. */
export const ClientFrame = z.discriminatedUnion("type", [
  PublishFrame,
  SignalFrame,
  HistoryFrame,
  MembersFrame,
  SubscribeFrame,
  UnsubscribeFrame,
  SendFrame,
  AckFrame,
  HeartbeatFrame,
  AuthFrame,
  PresenceFrame,
  WatchFrame,
  UnwatchFrame,
]);
export type ClientFrame = z.infer<typeof ClientFrame>;
export type PublishFrame = z.infer<typeof PublishFrame>;
export type SignalFrame = z.infer<typeof SignalFrame>;
export type HistoryFrame = z.infer<typeof HistoryFrame>;
export type MembersFrame = z.infer<typeof MembersFrame>;
export type SubscribeFrame = z.infer<typeof SubscribeFrame>;
export type UnsubscribeFrame = z.infer<typeof UnsubscribeFrame>;
export type SendFrame = z.infer<typeof SendFrame>;
export type AckFrame = z.infer<typeof AckFrame>;
export type AuthFrame = z.infer<typeof AuthFrame>;
export type PresenceFrame = z.infer<typeof PresenceFrame>;
export type WatchFrame = z.infer<typeof WatchFrame>;
export type UnwatchFrame = z.infer<typeof UnwatchFrame>;
export type HeartbeatFrame = z.infer<typeof HeartbeatFrame>;
