import * as z from "zod";
import { PublishBody } from "./bodies.ts";
import { MAX_BATCHED } from "./limits.ts";

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
