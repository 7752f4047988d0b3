import * as z from "zod";
import { PublishBody } from "./bodies.ts";
import { MAX_BATCHED, MAX_MANY_CHANNELS, MAX_MANY_USERS } from "./limits.ts";

/** One request of a batch: a route of this service, asked with the key of the whole. */
export const Operation = z.object({
  method: z.enum(["GET", "POST", "PUT", "DELETE"]),
  path: z.string().max(2048),
  body: z.unknown().optional(),
});
export type Operation = z.infer<typeof Operation>;

/** Body of `POST /v1/batch`. Each operation is checked by itself: a wrong one spoils no other. */
export const BatchBody = z.object({ operations: z.array(z.unknown()).min(1).max(MAX_BATCHED) });
export type BatchBody = z.infer<typeof BatchBody>;

/** Body of `POST /v1/broadcast`: a publish body that leaves nobody out. After `ttlSeconds` nobody is told any more. */
export const BroadcastBody = PublishBody.extend({
  exclude: z.undefined("a broadcast leaves nobody out").optional(),
});
export type BroadcastBody = z.infer<typeof BroadcastBody>;

/** Whom one message is for, each named once. A name that is none is that target's own failure. */
function targets(most: number) {
  return z
    .array(z.string())
    .max(most)
    .refine((names) => new Set(names).size === names.length, "each only once")
    .default([]);
}

/** Body of `POST /v1/messages`: a publish body, and whom it is for. */
export const ManyBody = PublishBody.extend({
  users: targets(MAX_MANY_USERS),
  channels: targets(MAX_MANY_CHANNELS),
}).refine(({ users, channels }) => users.length + channels.length > 0, {
  message: "name users or channels",
  path: ["users"],
});
export type ManyBody = z.infer<typeof ManyBody>;
