/** Every `code` of problem bodies and `error` frames, with its HTTP status and the title of its problem. */
export const ERROR_CODES = {
  bad_request: [400, "Bad request"],
  invalid_user: [400, "Invalid user id"],
  invalid_channel: [400, "Invalid channel name"],
  invalid_json: [400, "Invalid JSON"],
  unauthenticated: [401, "Authentication required"],
  token_expired: [401, "Token expired"],
  token_invalid: [401, "Token invalid"],
  token_revoked: [401, "Token revoked"],
  forbidden: [403, "Forbidden"],
  origin_not_allowed: [403, "Origin not allowed"],
  not_found: [404, "Not found"],
  method_not_allowed: [405, "Method not allowed"],
  conflict: [409, "Conflict"],
  session_gone: [409, "Session gone"],
  too_large: [413, "Too large"],
  idempotency_mismatch: [422, "Idempotency key used with another body"],
  upgrade_required: [426, "Upgrade required"],
  rate_limited: [429, "Rate limited"],
  internal: [500, "Internal error"],
  not_available: [501, "Not available yet"],
  unavailable: [503, "Unavailable"],
  use_channel_connection: [409, "Use a channel connection"],
  too_many_subscriptions: [409, "Too many subscriptions"],
  too_many_watches: [409, "Too many watches"],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Which limit a `rate_limited` speaks of, for who has to find out what was too much. */
export const LIMIT_NAMES = [
  "connection",
  "address",
  "key",
  "user",
  "connects",
  "channel",
  "new_channels",
  "broadcasts",
] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** A refused command, as a value: it becomes an `error` frame or a problem body. */
export interface Refusal {
  code: ErrorCode;
  message: string;
  retryAfterMs?: number;
  limit?: LimitName;
  errors?: FieldError[];
}

/** Which field of the input is wrong (`path` as in `users[0].name`, empty for the whole) and why. */
export interface FieldError {
  path: string;
  message: string;
}

export function refusal(code: ErrorCode, message: string, errors?: FieldError[]): Refusal {
  return errors === undefined ? { code, message } : { code, message, errors };
}

export function isRefusal(value: object | undefined): value is Refusal {
  return value !== undefined && "code" in value && "message" in value && typeof value.code === "string";
}
