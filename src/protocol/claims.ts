import * as z from "zod";
import { MAX_INFO_BYTES, MAX_TICKET_SECONDS, TICKET_SECONDS } from "./limits.ts";
import { Pattern, UserId } from "./names.ts";
import { utf8Length } from "./utf8.ts";

export const Capability = z.enum(["subscribe", "publish", "signal", "history", "members"]);
export type Capability = z.infer<typeof Capability>;

/** Seconds since the Unix epoch; finite, and not so large that it must be milliseconds. */
const NumericDate = z.number().nonnegative().max(1e11, "seconds since the epoch, not milliseconds");

const Info = z
  .record(z.string(), z.unknown())
  .refine((info) => utf8Length(JSON.stringify(info)) <= MAX_INFO_BYTES, `at most ${MAX_INFO_BYTES} bytes`);

/**
 * What a user's token says, after its signature was checked. JWT libraries accept more than this
 * (no `exp`, `exp` in milliseconds, a `sub` that is a number), so the claims have a schema of their own.
 */
export const Claims = z.object({
  sub: UserId,
  exp: NumericDate,
  iat: NumericDate.optional(),
  nbf: NumericDate.optional(),
  info: Info.optional(),
  channels: z.record(Pattern, z.array(Capability)).optional(),
  watch: z.array(Pattern).optional(),
  send: z.array(Pattern).optional(),
});
export type Claims = z.infer<typeof Claims>;

/** Body of a user's `POST /v1/tickets`: whatever else it holds counts for nothing, the claims are the user's own. */
export const OwnTicketBody = z.object({
  ttlSeconds: z.number().int().min(1).max(MAX_TICKET_SECONDS).default(TICKET_SECONDS),
});

/** The same of a back end, which says whose ticket it is and what it allows. `exp` is that of the session. */
export const TicketBody = Claims.omit({ sub: true, iat: true, nbf: true })
  .partial({ exp: true })
  .extend({ user: UserId, ...OwnTicketBody.shape });
export type TicketBody = z.infer<typeof TicketBody>;

/** Answer of `POST /v1/tickets`: a ticket and when it ends, in milliseconds. */
export const Ticket = z.object({ ticket: z.string(), expiresAt: z.number().int() });
export type Ticket = z.infer<typeof Ticket>;
