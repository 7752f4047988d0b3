import { FAN_OUT_WIDTH, fanOut } from "../objects/fan-out.ts";
import type { Log, Objects } from "../objects/ports.ts";
import type { Push } from "../objects/relaying.ts";

/** Carries a push to the rest of its branch, all at once. Answers with those that were not told. */
export async function carryOn(
  push: Push,
  { objects, log }: { objects: Objects; log: Log },
): Promise<string[]> {
  const branches = fanOut(push.rest, FAN_OUT_WIDTH);
  const failed = await Promise.all(
    branches.map(async ({ to, rest }) => {
      try {
        return (await objects.relay(to).push({ ...push, rest: [...rest] })).failed;
      } catch (cause) {
        log.warn("relay not told", { relay: to, rest: rest.length }, cause);
        return [to, ...rest];
      }
    }),
  );
  return failed.flat();
}
