import type { ErrorCode, FieldError } from "../protocol/codes.ts";

/**
 * What the SDK itself has to say, beside the codes of the service:
 * - `not_connected`: nothing was sent, because the connection is not open.
 * - `connection_lost`: it was sent, then the connection dropped; whether it took effect is unknown.
 *   A publish with a `key` can be repeated safely.
 * - `timed_out`: it was sent, and no answer came in time; likewise unknown.
 * - `too_many_pending`: nothing was sent, because too many answers are still awaited.
 * - `token_unavailable`: the `token` function failed; the connection asks it again.
 * - `too_slow`: a `for await` over messages fell so far behind that the log does not reach back to where it is.
 * - `bad_frame`: the server sent what this SDK cannot read; the frame was dropped.
 */
export type ClientErrorCode =
  | "not_connected"
  | "connection_lost"
  | "timed_out"
  | "too_many_pending"
  | "token_unavailable"
  | "too_slow"
  | "bad_frame";

export type RollcallErrorCode = ErrorCode | ClientErrorCode;

/** Every error of the SDK. `code` is for programs, `message` for people. */
export class RollcallError extends Error {
  readonly code: RollcallErrorCode;
  /** Wait at least this long before trying again, where the service said so. */
  readonly retryAfterMs: number | undefined;
  /** Which fields were wrong, where the service named them. */
  readonly errors: readonly FieldError[] | undefined;

  constructor(
    code: RollcallErrorCode,
    message: string,
    more: {
      retryAfterMs?: number | undefined;
      errors?: readonly FieldError[] | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, more); // of which it takes `cause`
    this.name = "RollcallError";
    this.code = code;
    this.retryAfterMs = more.retryAfterMs;
    this.errors = more.errors;
  }
}

/** Nothing was refused: whether it took effect is unknown, or it may be asked again after a pause. */
export const PASSING: ReadonlySet<RollcallErrorCode> = new Set(["unavailable", "timed_out", "internal"]);

/** Whether the session that was spoken to is over, and what it held with it. */
export function isLost(error: unknown): boolean {
  return (
    error instanceof RollcallError && (error.code === "not_connected" || error.code === "connection_lost")
  );
}
