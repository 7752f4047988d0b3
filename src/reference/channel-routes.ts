import { Taken } from "../protocol/answers.ts";
import {
  ChannelSummary,
  MemberPage,
  MemberQuery,
  MessagePage,
  MessageQuery,
  PublishBody,
  Published,
  SignalBody,
} from "../protocol/bodies.ts";
import type { Route } from "./route.ts";
import { AT, MEMBER, MESSAGE_PAGE, PUBLISHED } from "./samples.ts";

const tag = "Channels";

/** Routes of one channel. */
export const CHANNEL_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/channels/:channel/messages",
    id: "publishToChannel",
    tag,
    summary: "Publish a message",
    about:
      "It is stored, gets the next offset, and goes to everybody on the channel. With a key it is published once " +
      "within 24 hours, whatever retries; after a 5xx repeat it with the same key.",
    who: { user: "with the grant `publish` on this channel", key: ["publish"] },
    headers: ["Idempotency-Key"],
    body: {
      schemas: [PublishBody],
      examples: {
        message: { data: { text: "hi" } },
        once: { event: "order.paid", data: { id: 7 }, key: "order-7" },
        others: { data: { text: "hi" }, exclude: { user: "ann", device: "ann-laptop" }, ttlSeconds: 3600 },
      },
    },
    answers: {
      201: { words: "Stored, and durable.", schema: Published, example: PUBLISHED },
      200: {
        words: "The key was used before, with this very body: the first result.",
        schema: Published,
        example: { ...PUBLISHED, duplicate: true },
      },
    },
    codes: ["idempotency_mismatch"],
    limits: ["channel", "new_channels"],
  },
  {
    method: "GET",
    path: "/v1/channels/:channel/messages",
    id: "readChannel",
    tag,
    summary: "Read the log",
    about:
      "A page ends early where it would hold more than about 1 MiB: go on from the last offset that it holds. " +
      "`offset` of the answer is the top of the log, not of the page.",
    who: { user: "with the grant `history` on this channel", key: ["read"] },
    query: [MessageQuery],
    answers: { 200: { words: "One page.", schema: MessagePage, example: MESSAGE_PAGE } },
  },
  {
    method: "POST",
    path: "/v1/channels/:channel/signals",
    id: "signalChannel",
    tag,
    summary: "Tell those who are there now",
    about: "Never stored, never returned to the session that sent it, lost for who is not there.",
    who: { user: "with the grant `signal` on this channel", key: ["publish"] },
    body: { schemas: [SignalBody], examples: { typing: { event: "typing.started", data: { in: "lobby" } } } },
    answers: { 202: { words: "Taken.", schema: Taken, example: {} } },
    limits: ["channel"],
  },
  {
    method: "GET",
    path: "/v1/channels/:channel/members",
    id: "listMembers",
    tag,
    summary: "Who is in the channel",
    about: "One member per user, in the order of user ids. Back ends see invisible ones too, with `hidden`.",
    who: { user: "with the grant `members` on this channel", key: ["read"] },
    query: [MemberQuery],
    answers: {
      200: {
        words: "One page.",
        schema: MemberPage,
        example: { count: 1, sessions: 2, members: [MEMBER] },
      },
    },
  },
  {
    method: "DELETE",
    path: "/v1/channels/:channel/members/:user",
    id: "removeMember",
    tag,
    summary: "Send a user away",
    about:
      "The user's connections to the channel end with 4502, its subscriptions too, and tokens issued before now " +
      "lose this channel.",
    who: { key: ["manage"] },
    answers: { 204: { words: "Gone, also where it was not there." } },
  },
  {
    method: "GET",
    path: "/v1/channels/:channel",
    id: "readChannelSummary",
    tag,
    summary: "One channel in numbers",
    about: "Invisible members are counted. A channel that nobody ever used answers as an empty one.",
    who: { key: ["read"] },
    answers: {
      200: {
        words: "The channel.",
        schema: ChannelSummary,
        example: {
          channel: "lobby",
          members: 15,
          sessions: 18,
          subscribers: 3,
          epoch: PUBLISHED.epoch,
          offset: 7,
          relays: 0,
          regions: { weur: 12, enam: 3 },
          createdAt: AT,
        },
      },
    },
  },
  {
    method: "DELETE",
    path: "/v1/channels/:channel",
    id: "forgetChannel",
    tag,
    summary: "Forget a channel",
    about:
      "Its messages, keys and members go, connections close with 4000, and what comes next has a new epoch.",
    who: { key: ["manage"] },
    answers: { 204: { words: "Forgotten, also where there was nothing." } },
  },
];
