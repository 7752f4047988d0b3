import * as z from "zod";
import { Renewed, SentFrame, WatchedUsers } from "../protocol/answers.ts";
import { MemberPage, MessagePage, Published } from "../protocol/bodies.ts";
import * as frames from "../protocol/client-frames.ts";
import { Presence } from "../protocol/presence.ts";
import { OkFrame } from "../protocol/server-frames.ts";
import { AT, DIRECT, MEMBER, MESSAGE_PAGE, PRESENCE, PUBLISHED } from "./samples.ts";

/** The two kinds of connection. */
export type Kind = "user" | "channel";

/** One message that a client may send. */
export interface ClientMessage {
  schema: z.ZodType;
  summary: string;
  on: readonly Kind[];
  example: Record<string, unknown>;
  /** The fields of its `ok`; `subscribed` where it has an answer of its own, null where it has none. */
  answer: z.ZodObject | "subscribed" | null;
  answerExample?: Record<string, unknown>;
}

const BOTH = ["user", "channel"] as const;
const nothing = z.object({});

/** Everything that a client may send, by its `type`. A type that is missing here does not compile. */
export const CLIENT_MESSAGES: Readonly<Record<frames.ClientFrame["type"], ClientMessage>> = {
  publish: {
    schema: frames.PublishFrame,
    summary: "Publish to a channel. On a channel connection `channel` may be left out.",
    on: BOTH,
    example: { type: "publish", ref: 1, channel: "lobby", data: { text: "hi" }, key: "hi-1" },
    answer: Published,
    answerExample: PUBLISHED,
  },
  signal: {
    schema: frames.SignalFrame,
    summary:
      "Tell who is there now, in a channel or as a user. Never stored; answered only where it has a `ref`.",
    on: BOTH,
    example: { type: "signal", event: "typing.started", channel: "lobby" },
    answer: nothing,
    answerExample: {},
  },
  history: {
    schema: frames.HistoryFrame,
    summary: "Read the log.",
    on: BOTH,
    example: { type: "history", ref: 2, channel: "lobby", after: 0, limit: 50 },
    answer: MessagePage,
    answerExample: MESSAGE_PAGE,
  },
  members: {
    schema: frames.MembersFrame,
    summary: "Read the roster.",
    on: BOTH,
    example: { type: "members", ref: 3, channel: "lobby" },
    answer: MemberPage.omit({ sessions: true }),
    answerExample: { count: 1, members: [MEMBER] },
  },
  subscribe: {
    schema: frames.SubscribeFrame,
    summary:
      "Hear a channel. While subscribed, and on a channel connection for its own channel, the check that nothing was missed.",
    on: BOTH,
    example: { type: "subscribe", ref: 4, channel: "lobby", epoch: PUBLISHED.epoch, offset: 6 },
    answer: "subscribed",
  },
  unsubscribe: {
    schema: frames.UnsubscribeFrame,
    summary: "Hear a channel no longer: a leave without grace.",
    on: ["user"],
    example: { type: "unsubscribe", ref: 5, channel: "lobby" },
    answer: nothing,
    answerExample: {},
  },
  send: {
    schema: frames.SendFrame,
    summary: "A direct message to all devices of a user.",
    on: ["user"],
    example: { type: "send", ref: 6, user: "ben", data: { text: "lunch?" }, key: "lunch-1" },
    answer: SentFrame,
    answerExample: { id: DIRECT.id, seq: DIRECT.seq },
  },
  ack: {
    schema: frames.AckFrame,
    summary: "Done with all direct messages up to `seq`, on this device. Never answered.",
    on: ["user"],
    example: { type: "ack", seq: 12 },
    answer: null,
  },
  heartbeat: {
    schema: frames.HeartbeatFrame,
    summary: "As the text `ping`, for clients that can only send JSON. `n` answers a `probe`.",
    on: BOTH,
    example: { type: "heartbeat", n: 3 },
    answer: nothing,
    answerExample: {},
  },
  auth: {
    schema: frames.AuthFrame,
    summary: "A new token of the same user: the session goes on with it.",
    on: BOTH,
    example: { type: "auth", ref: 7, token: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4i…" },
    answer: Renewed,
    answerExample: { expiresAt: AT },
  },
  presence: {
    schema: frames.PresenceFrame,
    summary: "Say a status. What is left out stays, null takes back.",
    on: BOTH,
    example: { type: "presence", ref: 8, status: "busy", text: "In a meeting", expiresInSeconds: 3600 },
    answer: Presence,
    answerExample: PRESENCE,
  },
  watch: {
    schema: frames.WatchFrame,
    summary: "Hear of changes of these users' presence, for as long as this session lives.",
    on: ["user"],
    example: { type: "watch", ref: 9, users: ["ben"], only: ["online", "offline"] },
    answer: WatchedUsers,
    answerExample: { presence: [{ ...PRESENCE, user: "ben" }] },
  },
  unwatch: {
    schema: frames.UnwatchFrame,
    summary: "Give up what this session holds of these users.",
    on: ["user"],
    example: { type: "unwatch", ref: 10, users: ["ben"] },
    answer: nothing,
    answerExample: {},
  },
};

/** The whole `ok` that this is answered with. */
export function okOf(fields: z.ZodObject): z.ZodObject {
  return z.object({ type: OkFrame.shape.type, ref: OkFrame.shape.ref, ...fields.shape });
}
