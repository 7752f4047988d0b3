import { BatchAnswer, BroadcastAnswer, InboxAnswer, ManyAnswer, SentAnswer } from "../protocol/answers.ts";
import { PublishBody } from "../protocol/bodies.ts";
import { InboxAck, InboxQuery } from "../protocol/inbox.ts";
import { BatchBody, BroadcastBody, ManyBody } from "../protocol/many.ts";
import type { Route } from "./route.ts";
import { DIRECT, PUBLISHED } from "./samples.ts";

const SENT = { id: DIRECT.id, seq: DIRECT.seq };

/** Routes of direct messages, and of what goes to many. */
export const MESSAGE_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/users/:user/messages",
    id: "sendToUser",
    tag: "Direct messages",
    summary: "A direct message to all of a user's devices",
    about:
      "Kept while they are away. To a back end the answer also says to how many live sessions it went at once.",
    who: { user: "whose `send` allows this user", key: ["publish"] },
    headers: ["Idempotency-Key"],
    body: {
      schemas: [PublishBody],
      examples: { invoice: { event: "invoice", data: { id: 7 }, key: "invoice-7" } },
    },
    answers: {
      201: { words: "Stored, and durable.", schema: SentAnswer, example: { ...SENT, delivered: 2 } },
      200: {
        words: "The key was used before, with this very body: the first result.",
        schema: SentAnswer,
        example: { ...SENT, duplicate: true },
      },
    },
    codes: ["idempotency_mismatch"],
  },
  {
    method: "GET",
    path: "/v1/users/:user/inbox",
    id: "readInbox",
    tag: "Direct messages",
    summary: "What is queued for a user",
    about:
      "What comes after `after`, or after what this device has acknowledged. A page ends early at about 1 MiB.",
    who: { user: "asking about itself", key: ["read"] },
    query: [InboxQuery],
    answers: {
      200: {
        words: "One page.",
        schema: InboxAnswer,
        example: { acked: 11, latest: 12, messages: [DIRECT] },
      },
    },
  },
  {
    method: "POST",
    path: "/v1/users/:user/inbox/ack",
    id: "ackInbox",
    tag: "Direct messages",
    summary: "Done with all up to this one",
    about: "As the frame `ack`, for who cannot send frames.",
    who: { user: "asking about itself" },
    body: { schemas: [InboxAck], examples: { laptop: { seq: 12, device: "ann-laptop" } } },
    answers: { 204: { words: "Done with, also where it was before." } },
  },
  {
    method: "POST",
    path: "/v1/messages",
    id: "sendToMany",
    tag: "Many at once",
    summary: "One message to many users and channels",
    about:
      "To each by itself: 200 even where all have failed. A key counts at each target, so that the whole can be " +
      "repeated until all have it.",
    who: { key: ["publish"] },
    headers: ["Idempotency-Key"],
    body: {
      schemas: [ManyBody],
      examples: {
        liked: {
          event: "post.liked",
          data: { post: 7 },
          users: ["ann"],
          channels: ["post:7"],
          key: "like-7",
        },
      },
    },
    answers: {
      200: {
        words: "What came of it at each.",
        schema: ManyAnswer,
        example: {
          results: [
            { user: "ann", status: 201, ...SENT },
            { channel: "post 7", status: 400, code: "invalid_channel" },
          ],
        },
      },
    },
  },
  {
    method: "POST",
    path: "/v1/broadcast",
    id: "broadcast",
    tag: "Many at once",
    summary: "To every live session of every user",
    about:
      "Not stored. A 503 says whether nobody was told, or some may have been: then repeat it with the same key.",
    who: { key: ["publish"] },
    headers: ["Idempotency-Key"],
    body: {
      schemas: [BroadcastBody],
      examples: { maintenance: { event: "maintenance", data: { inMinutes: 5 }, ttlSeconds: 300 } },
    },
    answers: {
      202: {
        words: "On its way to so many users.",
        schema: BroadcastAnswer,
        example: { id: "5mJ3r0Qn2mXcV8bKQ1w2Zg", users: 1200 },
      },
    },
    codes: ["idempotency_mismatch"],
    limits: ["broadcasts"],
  },
  {
    method: "POST",
    path: "/v1/batch",
    id: "batch",
    tag: "Many at once",
    summary: "Many requests in one",
    about:
      "Each operation is a request below `/v1/`, or `/healthz`, made with the key of the batch: authorised, checked " +
      "and answered as it would be by itself. Those about one user or channel happen in the order listed.",
    who: { key: ["publish", "read", "manage", "ops"] },
    body: {
      schemas: [BatchBody],
      examples: {
        two: {
          operations: [
            { method: "POST", path: "/v1/channels/lobby/messages", body: { data: "hi" } },
            { method: "GET", path: "/v1/stats" },
          ],
        },
      },
    },
    answers: {
      200: {
        words: "Each answered in its place.",
        schema: BatchAnswer,
        example: { results: [{ status: 201, body: PUBLISHED }] },
      },
    },
  },
];
