import type { Exclusion, From } from "../protocol/bodies.ts";

/** Whether a message is not for this session: it matches all that the exclusion names, which is never nothing. */
export function isLeftOut(exclude: Exclusion, { user, session, device }: From): boolean {
  return (
    (exclude.user === undefined || exclude.user === user) &&
    (exclude.session === undefined || exclude.session === session) &&
    (exclude.device === undefined || exclude.device === device)
  );
}
