import * as z from "zod";
import { Code } from "./answers.ts";
import { ERROR_CODES, LIMIT_NAMES, type Refusal } from "./codes.ts";

/** Where nobody knows better. */
const TRY_AGAIN_AFTER_MS = 1000;

/** RFC 9457 problem details, with the `code` of section 6 of the contract. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: Code,
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  /** Milliseconds; what `Retry-After` says in whole seconds. */
  retryAfterMs: z.number().int().nonnegative().optional(),
  limit: z.enum(LIMIT_NAMES).optional(),
});
export type Problem = z.infer<typeof Problem>;

/** A refused request as problem body, status and headers. */
export function problemOf(refused: Refusal): {
  body: Problem;
  status: number;
  headers: Record<string, string>;
} {
  const [status, title] = ERROR_CODES[refused.code];
  const { code, message, errors, retryAfterMs, limit } = refused;
  const waitMs = retryAfterMs ?? (status === 429 || status === 503 ? TRY_AGAIN_AFTER_MS : undefined);
  const body: Problem = {
    type: "about:blank",
    title,
    status,
    detail: message,
    code,
    ...(errors && { errors }),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
    ...(limit && { limit }),
  };
  const headers: Record<string, string> = { "Content-Type": "application/problem+json; charset=utf-8" };
  if (waitMs !== undefined) headers["Retry-After"] = String(Math.ceil(waitMs / 1000));
  if (status === 401) headers["WWW-Authenticate"] = 'Bearer realm="rollcall"';
  if (status === 426) headers.Upgrade = "websocket";
  return { body, status, headers };
}
