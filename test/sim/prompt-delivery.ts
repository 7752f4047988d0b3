import { NO_CALL_FAULTS } from "./calls.ts";
import type { Crowd } from "./clients.ts";
import { granted } from "./granted.ts";
import type { World } from "./world.ts";

/** Over every object that carries it, without any fault. */
const HEARD_WITHIN_MS = 2_000;
/** For so long every call is lost. */
const CUT_OFF_MS = 1_000;
/** Until the last caller has given up, and tried again: shorter than a TTL, so that no sweep makes it good. */
const TRIED_AGAIN_WITHIN_MS = 20_000;

/** Once it is quiet: what is said is heard at once, and what was cut off on its way soon after. */
export async function checkPromptness(world: World, crowd: Crowd): Promise<void> {
  const offsets = await world.until(say(world, crowd));
  await world.advance(HEARD_WITHIN_MS);
  allHave(world, crowd, offsets, "at once");
  world.callFaults = { ...NO_CALL_FAULTS, dropped: 1 };
  const more = await world.until(say(world, crowd));
  await world.advance(CUT_OFF_MS);
  world.callFaults = NO_CALL_FAULTS;
  await world.advance(TRIED_AGAIN_WITHIN_MS);
  allHave(world, crowd, more, "though it was cut off");
}

/** Something in each channel, by a back end. Resolves with the offsets. */
async function say(world: World, { channels }: Crowd): Promise<Map<string, number>> {
  const offsets = new Map<string, number>();
  for (const channel of channels) {
    const published = granted(
      await world.channel(channel).publish({ event: "message", dataJson: '"are you there?"' }),
    );
    offsets.set(channel, published.offset);
  }
  return offsets;
}

function allHave(world: World, crowd: Crowd, offsets: Map<string, number>, how: string): void {
  for (const [channel, offset] of offsets) {
    for (const connection of crowd.inChannel(channel)) {
      const { position } = connection.subscribed.views.get(channel) ?? connection;
      if (position !== undefined && position.offset >= offset) continue;
      const where = connection.keeper?.kind;
      world.journal.fail(
        `promptness: ${connection.user} on a ${where} has not heard ${offset} of ${channel} ${how}`,
      );
    }
  }
}
