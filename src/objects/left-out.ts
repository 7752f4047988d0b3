import type { Exclusion, From } from "../protocol/bodies.ts";

/** Whether a message is not for this session: it matches all that the exclusion names, which is never nothing. */
export function isLeftOut(exclude: Exclusion, { user, session, device }: From): boolean {
  return (
    (exclude.user === undefined || exclude.user === user) &&
    (exclude.session === undefined || exclude.session === session) &&
    (exclude.device === undefined || exclude.device === device)
  );
}

/** Whether this session said it: a session hears no signal of its own, nor a user one that it sent over HTTP. */
export function isSender(from: From | undefined, { user, session }: From): boolean {
  return from?.session === undefined ? user === from?.user : session === from.session;
}
