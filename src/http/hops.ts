import { refusal } from "../protocol/codes.ts";
import { HOP_HEADER, MAX_HOPS } from "../protocol/events.ts";
import type { AppContext } from "./context.ts";
import { Problem, problem } from "./problem.ts";

/**
 * How often what is asked went round through webhooks: a back end hands on the header of the event that made it ask.
 * Undefined where it says nothing. Throws `conflict` for what would go round for ever, `bad_request` for no number.
 */
export function hopIn(context: AppContext): number | undefined {
  const header = context.req.header(HOP_HEADER);
  if (header === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(header)) {
    const message = "must be a whole number from 1";
    throw problem("bad_request", `${HOP_HEADER}: ${message}`, [{ path: HOP_HEADER, message }]);
  }
  const hop = Number(header);
  if (hop <= MAX_HOPS) return hop;
  throw new Problem(refusal("conflict", `went round through webhooks more than ${MAX_HOPS} times`));
}
