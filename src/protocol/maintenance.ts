import * as z from "zod";

const count = z.number().int();

/** How often two objects did not agree, by what it was about; `entries` are those of the directory. */
export const Differences = z.object({
  entries: count,
  sessions: count,
  watches: count,
  subscriptions: count,
});

/** One part of the service: `ok`, after so many milliseconds, and a sentence without any name in it. */
export const Check = z.object({ ok: z.boolean(), ms: count, detail: z.string() });
export type Check = z.infer<typeof Check>;

/** Answer of `GET /healthz` to a key; 503 where a check fails. */
export const Health = z.object({
  status: z.enum(["ok", "failing"]),
  checks: z.object({
    object: Check,
    queue: Check,
    directory: Check,
    /** `ageMs`: of the oldest debt of one object to another, when it was last looked; null where nothing was owed. */
    outbox: Check.extend({ ageMs: count.nullable() }),
    /** `ageMs`: of the oldest of the shards' last samples; null without any. `differences` in these, `total` in all. */
    consistency: Check.extend({
      ageMs: count.nullable(),
      asked: count,
      unanswered: count,
      differences: Differences,
      total: Differences,
    }),
  }),
});
export type Health = z.infer<typeof Health>;

/** Answer of `GET /healthz` to who presents nothing. */
export const Alive = z.object({ status: z.literal("ok") });

/** Answer of `GET /healthz`, whoever asks. */
export const HealthAnswer = z.union([Health, Alive]);

/** Query of `POST /v1/maintenance/cleanup`: where an earlier one had to stop. */
export const CleanupQuery = z.object({ cursor: z.string().max(300).optional() });
export type CleanupQuery = z.infer<typeof CleanupQuery>;

/** Answer of `POST /v1/maintenance/cleanup`: what was over and is removed, of so many users and channels asked. */
export const Cleaned = z.object({
  sessions: count,
  watches: count,
  subscriptions: count,
  messages: count,
  presences: count,
  asked: count,
  unanswered: count,
  /** It had to stop: from `cursor` on it goes on. */
  more: z.boolean(),
  cursor: z.string().optional(),
});
export type Cleaned = z.infer<typeof Cleaned>;
