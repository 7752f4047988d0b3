import { CLOSE } from "../../src/protocol/close-codes.ts";
import type { SimulatedConnection } from "./connection.ts";
import type { Orders, SessionUse } from "./orders.ts";
import type { Promised } from "./promised.ts";

/** What a client sees of a crash or a deploy. */
const CUT_OFF = 1006;

/** Nobody may end a connection that pings and keeps the rules; what may end it is known. Returns what is wrong. */
export function closeIsWrong(code: number, use: SessionUse, orders: Orders): string | undefined {
  if (code === CUT_OFF || code === CLOSE.replaced) return undefined;
  if (code === CLOSE.tokenRevoked && orders.mayEnd(use, ({ is }) => is === "revoked")) return undefined;
  if (code === CLOSE.ended && orders.mayEnd(use, ({ is }) => is !== "revoked")) return undefined;
  return `closed with ${code}, though it was alive`;
}

/** The same for one that never began; without a code the server broke off. */
export function refusalIsWrong(
  code: string | undefined,
  { attempt, tokenUse }: SimulatedConnection,
  { orders, tickets }: Promised,
  now: number,
): string | undefined {
  const { ticket } = attempt.credentials;
  switch (code) {
    case undefined:
    case "unavailable":
    case "session_gone":
      return undefined;
    case "token_revoked":
    case "forbidden":
      if (orders.mayRefuse(tokenUse)) return undefined;
      break;
    case "token_invalid":
      if (ticket !== undefined && tickets.mayBeUsed(ticket.id)) return undefined;
      break;
    case "token_expired":
      if (ticket !== undefined && ticket.expiresAt <= now) return undefined;
  }
  return `refused with ${code}, for no reason`;
}
