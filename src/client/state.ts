import { mayReconnect } from "../protocol/close-codes.ts";
import type { ErrorCode } from "../protocol/codes.ts";
import { backoffMs } from "./backoff.ts";
import { unreachable } from "./unreachable.ts";

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
  switch (event.type) {
    case "welcomed":
      if (state.name !== "connecting") return state;
      return {
        name: "open",
        failures: state.failures,
        session: event.session,
        user: event.user,
        since: event.at,
      };
    case "lost":
      return lose(state, event);
    case "due":
      return state.name === "waiting" ? { name: "connecting", failures: state.failures } : state;
    case "hurry":
      if (state.name !== "waiting" || event.at < state.earliest) return state;
      return { name: "connecting", failures: state.failures };
    case "ended":
      return state.name === "closed" ? state : { name: "closed", code: 1000, reason: event.reason };
    default:
      return unreachable(event);
  }
}

function lose(state: ConnectionState, event: ConnectionEvent & { type: "lost" }): ConnectionState {
  const { loss, at, random } = event;
  const { code, reason } = loss;
  switch (state.name) {
    case "connecting":
    case "open": {
      if (loss.refused !== undefined) return { name: "closed", code, reason, error: loss.refused };
      if (!mayReconnect(code)) return { name: "closed", code, reason };
      const lasted = state.name === "open" && at - state.since >= LASTED_MS;
      const failures = lasted ? 1 : state.failures + 1;
      const earliest = at + (loss.retryAfterMs ?? 0);
      const retryAt = earliest + backoffMs(failures, random);
      return { name: "waiting", failures, retryAt, earliest, code, reason };
    }
    case "waiting":
    case "closed":
      return state;
    default:
      return unreachable(state);
  }
}
