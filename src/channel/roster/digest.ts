import { digestOfText } from "../../objects/member-digest.ts";
import type { Member } from "../../protocol/bodies.ts";

/**
 * 30 bits of what others see of one member. Those of all members, xored, stand for a whole roster: they follow
 * from rows, so they are the same after any sleep or crash, and who was told of another roster has missed
 * something. By chance two agree once in 1e9.
 */
export function digestOf({ user, status, devices, info }: Member): number {
  return digestOfText(JSON.stringify([user, status, devices, info]));
}
