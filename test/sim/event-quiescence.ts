import type { Crowd } from "./clients.ts";
import { dataOf, type SimulatedQueue, versionOf } from "./event-queue.ts";
import type { World } from "./world.ts";

/** Long enough for the queue to be tried again after its longest pause. */
const SENT_WITHIN_MS = 700_000;

/**
 * Once it is quiet every event has left, and whoever goes by what left, in the order of its versions, knows what is
 * true: which sessions live, what each user shows, who is in each channel, and every message that its log was given.
 */
export async function checkEvents(world: World, crowd: Crowd, channels: readonly string[]): Promise<void> {
  const { eventQueue: queue } = world;
  if (queue === undefined) return;
  queue.failing = 0;
  await world.advance(SENT_WITHIN_MS);
  for (const object of world.objects()) {
    const [table] = object.storage.all("SELECT name FROM sqlite_master WHERE name = 'outgoing_event'");
    const left = table === undefined ? [] : object.storage.all("SELECT seq FROM outgoing_event");
    if (left.length > 0) world.journal.fail(`${object}: ${left.length} rows of events never left`);
  }
  for (const user of crowd.users) await usersAreKnown(world, queue, user);
  for (const channel of channels) await channelsAreKnown(world, queue, channel);
}

async function usersAreKnown(world: World, queue: SimulatedQueue, user: string): Promise<void> {
  const ofUser = (prefix: string) => queue.ofType(prefix).filter((event) => dataOf(event).user === user);
  const versions = [...ofUser("session."), ...ofUser("presence.")].map(versionOf);
  if (new Set(versions).size < versions.length) world.journal.fail(`events: two of ${user} have one version`);
  const known = new Set(ofUser("session.started").map((event) => dataOf(event).id));
  for (const event of ofUser("session.ended")) known.delete(dataOf(event).id);
  const live = (await world.until(world.user(user).sessions())).map(({ id }) => id);
  if (!isSame([...known].map(String), live)) {
    world.journal.fail(`events: of ${user} live ${live.join()}, told were ${[...known].join()}`);
  }
  const last = ofUser("presence.changed").at(-1);
  const { status, text, devices } = await world.until(world.user(user).presence({ kind: "back end" }));
  const told = last === undefined ? { status: "offline", devices: [] } : dataOf(last);
  if (JSON.stringify([told.status, told.text, told.devices]) !== JSON.stringify([status, text, devices])) {
    world.journal.fail(`events: ${user} is ${status} ${text}, told was ${JSON.stringify(told)}`);
  }
}

async function channelsAreKnown(world: World, queue: SimulatedQueue, channel: string): Promise<void> {
  const ofChannel = (prefix: string) =>
    queue.ofType(prefix).filter((event) => dataOf(event).channel === channel);
  const members = new Set<string>();
  for (const event of ofChannel("member.")) {
    const { user } = dataOf(event).member as { user: string };
    if (event.type === "member.joined") members.add(user);
    else members.delete(user);
  }
  const page = await world.until(world.channel(channel).members({ limit: 1000 }));
  const there = "members" in page ? page.members.map(({ user }) => user) : [];
  if (!isSame([...members], there)) {
    world.journal.fail(`events: in ${channel} are ${there.join()}, told were ${[...members].join()}`);
  }
  const turns = ofChannel("channel.").map(({ type }) => type);
  if (turns.some((type, i) => type !== (i % 2 === 0 ? "channel.occupied" : "channel.vacated"))) {
    world.journal.fail(`events: ${channel} was told in turn to be ${turns.join()}`);
  }
  const isOccupied = turns.at(-1) === "channel.occupied";
  if (isOccupied !== there.length > 0) world.journal.fail(`events: ${channel} is not as it was told`);
  const { epoch, offset } = await world.until(world.channel(channel).summary());
  const ids = new Set(ofChannel("message.").map((event) => dataOf(event).id));
  for (let n = 1; n <= offset; n++) {
    if (!ids.has(`${epoch}-${n}`)) world.journal.fail(`events: message ${n} of ${channel} was never told`);
  }
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return JSON.stringify([...some].sort()) === JSON.stringify([...others].sort());
}
