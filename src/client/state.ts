import { mayReconnect } from "../protocol/close-codes.ts";
import type { ErrorCode } from "../protocol/codes.ts";
import { backoffMs } from "./backoff.ts";

/**
 * Where a connection stands. `failures` counts attempts in a row that did not last.
 * - `connecting`: a token is fetched, a socket opened, the welcome awaited.
 * - `open`: welcomed; requests are sent. `since` is when, in milliseconds.
 * - `waiting`: lost, and coming back at `retryAt` (milliseconds); never before `earliest`, which is what
 *   the service asked for.
 * - `closed`: for good. `error` says why where the service refused the connection.
 */
export type ConnectionState =
  | { name: "connecting"; failures: number }
  | { name: "open"; failures: number; session: string; user: string; since: number }
  | { name: "waiting"; failures: number; retryAt: number; earliest: number; code: number; reason: string }
  | { name: "closed"; code: number; reason: string; error?: ErrorCode };

/** How a connection was lost; `code` is a close code, 1006 where none was received. */
export interface Loss {
  code: number;
  reason: string;
  /** The service asked to stay away for so long. */
  retryAfterMs?: number | undefined;
  /** The service refused this client, and would again: there is no coming back. */
  refused?: ErrorCode;
}

export type ConnectionEvent =
  | { type: "welcomed"; session: string; user: string; at: number }
  | { type: "lost"; loss: Loss; at: number; random: number }
  | { type: "due" }
  | { type: "hurry"; at: number }
  | { type: "ended"; reason: string };

/**
 * A connection that lived this long was a success, and the next failure counts as the first. A welcome
 * alone is not: a server that welcomes and drops would be called again without any pause.
 */
export const LASTED_MS = 10_000;

/** The next state. Pure; an event that means nothing in a state leaves it as it is (the same object). */
export function step(state: ConnectionState, event: ConnectionEvent): ConnectionState {
  const { name } = state;
  if (name === "closed") return state;
  const { failures } = state;
  switch (event.type) {
    case "welcomed": {
      const { session, user, at: since } = event;
      return name === "connecting" ? { name: "open", failures, session, user, since } : state;
    }
    case "lost":
      return name === "waiting" ? state : lose(state, event);
    case "due":
      return name === "waiting" ? { name: "connecting", failures } : state;
    case "hurry":
      return name === "waiting" && event.at >= state.earliest ? { name: "connecting", failures } : state;
    case "ended":
      return { name: "closed", code: 1000, reason: event.reason };
    default:
      return event satisfies never;
  }
}

function lose(
  state: ConnectionState & { name: "connecting" | "open" },
  { loss: { code, reason, refused, retryAfterMs = 0 }, at, random }: ConnectionEvent & { type: "lost" },
): ConnectionState {
  if (refused !== undefined) return { name: "closed", code, reason, error: refused };
  if (!mayReconnect(code)) return { name: "closed", code, reason };
  const lasted = state.name === "open" && at - state.since >= LASTED_MS;
  const failures = lasted ? 1 : state.failures + 1;
  const earliest = at + retryAfterMs;
  return {
    name: "waiting",
    failures,
    retryAt: earliest + backoffMs(failures, random),
    earliest,
    code,
    reason,
  };
}
