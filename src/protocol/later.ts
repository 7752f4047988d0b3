import { type Refusal, refusal } from "./codes.ts";

/*
 * What the contract promises and this version does not do yet, in one place: such frames and parts of frames
 * are answered with the error `not_available`, such routes and parts of requests with 501. An entry leaves
 * its list when it is built. Also not built, and harmless to leave out: arrays of
 * messages from the server, 4005 for slow readers.
 */

export const LATER_FRAMES = ["send", "ack"] as const;

export const LATER_ROUTES: readonly (readonly [method: string, path: string])[] = [
  ["POST", "/v1/users/:user/messages"],
  ["GET", "/v1/users/:user/inbox"],
  ["POST", "/v1/users/:user/inbox/ack"],
  ["GET", "/v1/dead-letters"],
  ["POST", "/v1/dead-letters/:id/replay"],
  ["POST", "/v1/maintenance/cleanup"],
  ["GET", "/metrics"],
  ["GET", "/v1/openapi.json"],
  ["GET", "/docs"],
];

/** Parts of requests and frames that exist already. */
type LaterPart = "a signal to a user";

/** The answer to whatever is listed here. */
export function notAvailable(
  what: LaterPart | (typeof LATER_FRAMES)[number] | `${string} /${string}`,
): Refusal {
  return refusal("not_available", `${what} is not available yet`);
}
