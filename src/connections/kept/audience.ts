import { isLeftOut } from "../../objects/left-out.ts";
import type { Exclusion, From } from "../../protocol/bodies.ts";

/** Whether a stored message is told at `now`: its time is not over, and the reader, where there is one, not left out, nor deaf to it. */
export function isTold(
  { event, exclude, expiresAt }: { event: string; exclude?: Exclusion; expiresAt?: number },
  now: number,
  reader: From | undefined,
  events?: readonly string[],
): boolean {
  if (expiresAt !== undefined && expiresAt <= now) return false;
  if (events !== undefined && !events.includes(event)) return false;
  return exclude === undefined || reader === undefined || !isLeftOut(exclude, reader);
}
