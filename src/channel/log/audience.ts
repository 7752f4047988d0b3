import { isLeftOut } from "../../objects/exclusion.ts";
import type { Exclusion, From } from "../../protocol/bodies.ts";

/** Whether a stored message is told at `now`: its time is not over, and the reader, where there is one, not left out. */
export function isTold(
  { exclude, expiresAt }: { exclude?: Exclusion; expiresAt?: number },
  now: number,
  reader: From | undefined,
): boolean {
  if (expiresAt !== undefined && expiresAt <= now) return false;
  return exclude === undefined || reader === undefined || !isLeftOut(exclude, reader);
}
