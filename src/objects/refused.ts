import type { Refusal } from "../protocol/codes.ts";
import { problemOf } from "../protocol/problem.ts";

/** A refusal as an HTTP answer: RFC 9457 problem details. */
export function refusedResponse(refused: Refusal): Response {
  const { body, status, headers } = problemOf(refused);
  return new Response(JSON.stringify(body), { status, headers });
}
