import { type Refusal, refusal } from "./codes.ts";

/*
 * What the contract promises and this version does not do yet, in one place: such routes answer 501. An entry
 * leaves the list when it is built.
 */

export const LATER_ROUTES: readonly (readonly [method: string, path: string])[] = [
  ["GET", "/v1/dead-letters"],
  ["POST", "/v1/dead-letters/:id/replay"],
  ["POST", "/v1/maintenance/cleanup"],
  ["GET", "/metrics"],
];

/** The answer to a route that is listed here. */
export function notAvailable(route: string): Refusal {
  return refusal("not_available", `${route} is not available yet`);
}
