import * as z from "zod";
import { Code } from "../protocol/answers.ts";
import { LIMIT_NAMES } from "../protocol/codes.ts";
import * as frames from "../protocol/server-frames.ts";
import type { Kind } from "./client-messages.ts";
import { AT, DIRECT, MEMBER, MESSAGE, PRESENCE, SUBSCRIPTION, WELCOME } from "./samples.ts";

/** One message that the server may send. */
export interface ServerMessage {
  schema: z.ZodType;
  summary: string;
  on: readonly Kind[];
  example: Record<string, unknown>;
}

const BOTH = ["user", "channel"] as const;

type Said = Exclude<frames.ServerFrame["type"], "ok"> | "skipped";

/** Everything that the server may send besides `ok`, by its `type`. One that is missing here does not compile. */
export const SERVER_MESSAGES: Readonly<Record<Said, ServerMessage>> = {
  welcome: {
    schema: frames.WelcomeFrame,
    summary:
      "The first of every connection: who, how to stay, and on a channel connection where the session stands.",
    on: BOTH,
    example: { type: "welcome", ...WELCOME, ...SUBSCRIPTION },
  },
  subscribed: {
    schema: frames.SubscribedFrame,
    summary: "The answer to `subscribe`. Without `ref` something had been missed on the way, and here it is.",
    on: BOTH,
    example: { type: "subscribed", ref: 4, ...SUBSCRIPTION },
  },
  message: {
    schema: frames.MessageFrame,
    summary: "A message of a channel, in the order of offsets.",
    on: BOTH,
    example: { type: "message", ...MESSAGE },
  },
  skipped: {
    schema: frames.SkippedFrame,
    summary: "In place of messages that are not for this session, or are over. Its `type` is `message`, too.",
    on: BOTH,
    example: { type: "message", channel: "lobby", offset: 8, skipped: true },
  },
  signal: {
    schema: frames.SignalledFrame,
    summary: "Somebody's signal, to the channel, or to the user where there is no `channel`.",
    on: BOTH,
    example: { type: "signal", event: "typing.started", channel: "lobby", from: { user: "ben" } },
  },
  direct: {
    schema: frames.DirectFrame,
    summary: "A message of the inbox, again on each connect until it is acknowledged.",
    on: ["user"],
    example: { type: "direct", ...DIRECT },
  },
  broadcast: {
    schema: frames.BroadcastFrame,
    summary: "By a back end to everybody who is connected; not stored. The `id` tells a repeat.",
    on: BOTH,
    example: {
      type: "broadcast",
      id: "5mJ3r0Qn2mXcV8bKQ1w2Zg",
      event: "maintenance",
      data: { inMinutes: 5 },
      at: AT,
    },
  },
  members: {
    schema: frames.RosterFrame,
    summary: "What changed in a roster since the last such message, merged.",
    on: BOTH,
    example: { type: "members", channel: "lobby", count: 2, joined: [MEMBER], left: [], changed: [] },
  },
  presence: {
    schema: frames.WatchedFrame,
    summary: "A watched user, in place of whatever was known of it.",
    on: ["user"],
    example: { type: "presence", ...PRESENCE },
  },
  probe: {
    schema: frames.ProbeFrame,
    summary: "Are you there? Answer at once with `heartbeat` and the same `n`, or the text `ping`.",
    on: BOTH,
    example: { type: "probe", n: 3 },
  },
  error: {
    schema: frames.ErrorFrame.extend({ code: Code, limit: z.enum(LIMIT_NAMES).optional() }),
    summary:
      "A message that is refused; the connection goes on. With `channel` and without `ref` a subscription is over.",
    on: BOTH,
    example: {
      type: "error",
      ref: 1,
      code: "rate_limited",
      message: "too many messages",
      retryAfterMs: 40,
      limit: "connection",
    },
  },
  closing: {
    schema: frames.ClosingFrame,
    summary: "The connection ends: act on it, the close itself may follow late.",
    on: BOTH,
    example: { type: "closing", code: 4001, reason: "expired", reconnect: true },
  },
};
