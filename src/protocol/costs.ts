import * as z from "zod";

/** Why an object runs: another object or the Worker calls it, somebody connects, a socket speaks or closes, its alarm fires. */
export const Cause = z.enum(["call", "connect", "frame", "close", "alarm"]);
export type Cause = z.infer<typeof Cause>;

/** What is counted apart. `meter` is what the counting itself costs; `relay` serves a part of a large channel. */
export const CostKind = z.enum(["user", "channel", "relay", "directory", "webhook", "meter"]);
export type CostKind = z.infer<typeof CostKind>;

const PerCause = z.record(Cause, z.number());

/**
 * What objects of one kind did. `wakes` counts what came first to an object that slept, `events` all that came;
 * `requests` is how the platform bills these: a frame is a twentieth. A row is billed for each of `rowsWritten`
 * and of `alarms`, which are those set. Rounded to hundredths, since a sample stands for many.
 */
export const KindCosts = z.object({
  wakes: PerCause,
  events: PerCause,
  requests: z.number(),
  rowsWritten: z.number(),
  rowsRead: z.number(),
  alarms: z.number(),
});
export type KindCosts = z.infer<typeof KindCosts>;

/** By kind, without those of which nothing was heard; since when, in milliseconds: null where nothing was. */
export const Costs = z.object({
  ...Object.fromEntries(CostKind.options.map((kind) => [kind, KindCosts.optional()])),
  since: z.number().int().nullable(),
} as { [kind in CostKind]: z.ZodOptional<typeof KindCosts> } & { since: z.ZodNullable<z.ZodNumber> });
export type Costs = z.infer<typeof Costs>;
