import * as z from "zod";

/** What back ends are told of: section 8 of the contract. */
export const EventType = z.enum([
  "session.started",
  "session.ended",
  "presence.changed",
  "channel.occupied",
  "channel.vacated",
  "member.joined",
  "member.left",
  "message.published",
  "direct.expired",
]);
export type EventType = z.infer<typeof EventType>;

/** One entry of `EVENTS`: a type, or the beginning of some and a `*`. It has to stand for at least one. */
export const EventPattern = z
  .string()
  .refine(
    (pattern) => EventType.options.some((type) => isMeant(type, pattern)),
    `must be * or one of ${EventType.options.join(" ")}, of which the end may be a *`,
  );

/** Whether the pattern stands for this type. */
export function isMeant(type: EventType, pattern: string): boolean {
  return pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

/** An event on its way through the queue; `at` is when it happened, in milliseconds. */
export const QueuedEvent = z.object({
  /** The same for ever, whatever is repeated: `webhook-id`. */
  id: z.string().min(1),
  type: z.string().min(1),
  at: z.number().int(),
  data: z.unknown(),
  /** How often what caused it went round through webhooks. */
  hop: z.number().int().min(1).optional(),
  /** An operator sent it again. */
  redriven: z.literal(true).optional(),
});
export type QueuedEvent = z.infer<typeof QueuedEvent>;

/** An event that no webhook took, as `GET /v1/dead-letters` lists it. */
export const DeadLetter = z.object({
  id: z.string(),
  type: z.string(),
  /** When it happened, in milliseconds. */
  at: z.number().int(),
  attempts: z.number().int(),
  lastError: z.string(),
  data: z.unknown(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;

/** Answer of `GET /v1/dead-letters`, the oldest first. */
export const DeadLetterPage = z.object({ letters: z.array(DeadLetter), cursor: z.string().optional() });
export type DeadLetterPage = z.infer<typeof DeadLetterPage>;

/** Query of `GET /v1/dead-letters`. */
export const LetterQuery = z.object({
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, "a cursor of an earlier page")
    .optional(),
  limit: z.number().int().min(1).max(1000).default(100),
});
export type LetterQuery = z.infer<typeof LetterQuery>;

/** The header that says how often something went round; a back end that publishes because of an event hands it on. */
export const HOP_HEADER = "Rollcall-Hop";
/** What has come round more often is refused: it would never end. */
export const MAX_HOPS = 8;
