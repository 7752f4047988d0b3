import { Hono } from "hono";
import { signTicket } from "../auth/ticket.ts";
import type { Settings } from "../config.ts";
import { type Claims, OwnTicketBody, TicketBody } from "../protocol/claims.ts";
import { isRefusal } from "../protocol/codes.ts";
import { requireTicketMaker } from "./access.ts";
import { speakerOf } from "./allowance.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { bodyIn, optionalBodyIn } from "./input.ts";
import { Problem, problem } from "./problem.ts";

/** How long a session that a back end's ticket began may last, where its body does not say. */
const SESSION_SECONDS = 3600;

/** Tickets for clients that can set no header: good once, soon over, and as good as a token until then. */
export const tickets = new Hono<AppEnv>().post("/v1/tickets", async (context) => {
  const settings = context.get("settings");
  const nowMs = Date.now();
  const { claims, ttlSeconds } = await wanted(context, nowMs);
  const made = await signTicket(claims, ttlSeconds, settings, nowMs);
  if (isRefusal(made)) throw new Problem(made);
  return context.json(made, 200, { "Cache-Control": "no-store" });
});

/** A user hands on what its token says; a back end says itself what the ticket allows. */
async function wanted(context: AppContext, nowMs: number): Promise<{ claims: Claims; ttlSeconds: number }> {
  const maker = await requireTicketMaker(context);
  if (maker.kind === "user") {
    const body = await optionalBodyIn(context, OwnTicketBody);
    await speakerOf(context, maker);
    return { claims: maker.claims, ...body };
  }
  const { user, ttlSeconds, exp, ...grants } = await bodyIn(context, TicketBody);
  const iat = Math.floor(nowMs / 1000);
  return {
    claims: { sub: user, iat, exp: sessionEnd(exp, iat, context.get("settings")), ...grants },
    ttlSeconds,
  };
}

function sessionEnd(asked: number | undefined, iat: number, settings: Settings): number {
  const latest = iat + settings.MAX_TOKEN_LIFETIME_SECONDS;
  if (asked === undefined) return Math.min(iat + SESSION_SECONDS, latest);
  if (asked > iat && asked <= latest) return asked;
  const message = "must lie ahead, by at most MAX_TOKEN_LIFETIME_SECONDS";
  throw problem("bad_request", `exp: ${message}`, [{ path: "exp", message }]);
}
