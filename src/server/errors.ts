import type { ErrorCode, FieldError, LimitName } from "../protocol/codes.ts";

/**
 * What the SDK itself has to say, beside the codes of the service:
 * - `unreachable`: no answer, because there was no connection or it broke; whether it took effect is unknown.
 * - `timed_out`: no answer in time; likewise unknown.
 * - `bad_answer`: something answered, but not in the words of this service: a proxy, or another `url`.
 */
export type ServerErrorCode = "unreachable" | "timed_out" | "bad_answer";

/**
 * Why `verifyWebhook` refuses. The first three are the sender's; answer them with 400 or 401, and do nothing.
 * - `webhook_unsigned`: one of the headers `webhook-id`, `webhook-timestamp` and `webhook-signature` is missing.
 * - `webhook_expired`: signed too long ago, or too far ahead: a replay, or a clock that is wrong.
 * - `webhook_forged`: no signature is by one of the secrets.
 * - `webhook_unreadable`: signed by one of them, but no event.
 * - `webhook_secret`: a secret is not `whsec_` and base64: a mistake in the receiver's own settings.
 */
export type WebhookErrorCode =
  | "webhook_unsigned"
  | "webhook_expired"
  | "webhook_forged"
  | "webhook_unreadable"
  | "webhook_secret";

export type RollcallErrorCode = ErrorCode | ServerErrorCode | WebhookErrorCode;

/** What is known of a failure besides its code. */
export interface RollcallErrorDetails {
  status?: number | undefined;
  retryAfterMs?: number | undefined;
  limit?: LimitName | undefined;
  errors?: readonly FieldError[] | undefined;
  cause?: unknown;
}

/** Every error of the SDK. `code` is for programs, `message` for people. */
export class RollcallError extends Error {
  /** A newer service may say one that is not in the type. */
  readonly code: RollcallErrorCode;
  /** Of the answer, where there was one. */
  readonly status?: number;
  /** Wait at least this long before trying again, where the service said so. */
  readonly retryAfterMs?: number;
  /** What was too much, with `rate_limited`. */
  readonly limit?: LimitName;
  /** Which fields were wrong, where the service named them. */
  readonly errors?: readonly FieldError[];

  constructor(code: RollcallErrorCode, message: string, details: RollcallErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : {});
    this.name = "RollcallError";
    this.code = code;
    const { status, retryAfterMs, limit, errors } = details;
    if (status !== undefined) this.status = status;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
    if (limit !== undefined) this.limit = limit;
    if (errors !== undefined) this.errors = errors;
  }
}
