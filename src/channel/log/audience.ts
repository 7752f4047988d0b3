import type { Exclusion, From } from "../../protocol/bodies.ts";

/** Whether a message is not for this session: it matches all that the exclusion names, which is never nothing. */
export function isLeftOut(exclude: Exclusion, { user, session, device }: From): boolean {
  return (
    (exclude.user === undefined || exclude.user === user) &&
    (exclude.session === undefined || exclude.session === session) &&
    (exclude.device === undefined || exclude.device === device)
  );
}

/** Whether a stored message is told at `now`: its time is not over, and the reader, where there is one, not left out. */
export function isTold(
  { exclude, expiresAt }: { exclude?: Exclusion; expiresAt?: number },
  now: number,
  reader: From | undefined,
): boolean {
  if (expiresAt !== undefined && expiresAt <= now) return false;
  return exclude === undefined || reader === undefined || !isLeftOut(exclude, reader);
}
