import type { Crowd, SimulatedClient } from "./clients.ts";
import type { Command, Topic } from "./command.ts";
import type { SimulatedConnection } from "./connection.ts";
import { KINDS, type Kind } from "./fault-table.ts";
import { MAIL } from "./mail-commands.ts";
import { ORDERS } from "./order-commands.ts";
import { PRESENCE } from "./presence-commands.ts";
import type { SimulatedObject } from "./simulated-object.ts";
import type { World } from "./world.ts";

/** Every thing that a run is made of, with how often it is chosen. */
const COMMANDS: readonly Command[] = [
  { weight: 18, run: (_, crowd) => withClient(crowd, "away", (client) => client.connect()) },
  { weight: 4, run: (_, crowd) => withClient(crowd, "connected", (client) => client.close()) },
  { weight: 4, run: (_, crowd) => withClient(crowd, "connected", (client) => client.vanish()) },
  { weight: 3, run: (_, crowd) => withClient(crowd, "connected", (client) => client.terminate()) },
  { weight: 20, run: publish },
  { weight: 6, run: askByFrame },
  { weight: 9, run: subscribe, topic: "subscriptions" },
  { weight: 2, run: unsubscribe, topic: "subscriptions" },
  { weight: 6, run: (_, crowd) => crowd.reader.read() },
  { weight: 1, run: broadcast, topic: "broadcasts" },
  { weight: 4, run: sweep, topic: "sweeps" },
  { weight: 4, run: (_, crowd) => crowd.sweeping.spoil(crowd.users), topic: "sweeps" },
  ...ORDERS,
  ...PRESENCE,
  ...MAIL.map((command) => ({ ...command, topic: "mail" as const })),
  {
    weight: 14,
    run: (world) =>
      withObject(
        world,
        ({ isAwake }) => isAwake,
        (object) => evict(world, object),
      ),
  },
  { weight: 2, run: (world) => withObject(world, isThere, (object) => crash(world, object)) },
  { weight: 5, run: loseRelay, topic: "losses" },
  { weight: 5, run: (world) => withObject(world, isThere, (object) => planCrash(world, object)) },
  { weight: 0.6, run: (world) => deploy(world) },
  { weight: 2, run: (world) => withObject(world, isThere, (object) => cutOff(world, object)) },
  { weight: 4, run: (world) => withObject(world, hasAlarm, ({ alarm }) => alarm.delay()) },
  { weight: 4, run: (world) => withObject(world, hasAlarm, ({ alarm }) => alarm.repeat()) },
  { weight: 10, run: (world) => pass(world) },
];
/** Relays are in some worlds only: there they are met more often. */
const KINDS_WITH_RELAYS: readonly Kind[] = [...KINDS, "relay", "relay", "relay"];
const KINDS_WITHOUT: readonly Kind[] = KINDS.filter((kind) => kind !== "relay");
/** Between two commands. */
const PAUSE_MS = [1, 3_000] as const;
const CUT_OFF_MS = [1_000, 120_000] as const;
const LONG_MS = [1_000, 600_000] as const;

/** What may happen in a world that has these topics. */
export function commandsOf(topics: ReadonlySet<Topic>): readonly Command[] {
  return COMMANDS.filter(({ topic }) => topic === undefined || topics.has(topic));
}

/** Does one of these things, chosen by the seed. Time passes after it. */
export async function takeStep(world: World, crowd: Crowd, commands: readonly Command[]): Promise<void> {
  const all = commands.reduce((sum, { weight }) => sum + weight, 0);
  while (true) {
    let at = world.random.fraction() * all;
    const command = commands.find(({ weight }) => {
      at -= weight;
      return at < 0;
    });
    if (command !== undefined && (await command.run(world, crowd))) break;
  }
  await world.advance(world.random.logBetween(...PAUSE_MS));
}

function withClient(
  crowd: Crowd,
  which: "away" | "connected",
  act: (client: SimulatedClient) => void,
): boolean {
  const fitting = crowd.clients.filter(({ isAway, connection }) =>
    which === "away" ? isAway : connection !== undefined,
  );
  const client = crowd.world.random.pick(fitting);
  if (client === undefined) return false;
  act(client);
  return true;
}

function withObject(
  world: World,
  isFitting: (object: SimulatedObject) => boolean,
  act: (object: SimulatedObject) => boolean,
): boolean {
  const objects = world.objects();
  const hasRelays = objects.some(({ kind }) => kind === "relay");
  const kind = world.random.pick(hasRelays ? KINDS_WITH_RELAYS : KINDS_WITHOUT);
  const object = world.random.pick(objects.filter((one) => one.kind === kind && isFitting(one)));
  return object !== undefined && act(object);
}

const isThere = ({ isAwake, sockets }: SimulatedObject) => isAwake || sockets.size > 0;
const hasAlarm = ({ alarm }: SimulatedObject) => alarm.at !== null;

const maySpeak = ({ attempt }: SimulatedConnection) => attempt.transport === "websocket";

function publish({ random }: World, crowd: Crowd): boolean {
  const live = crowd.live();
  const connection = random.pick(live.filter(maySpeak));
  const channel = random.pick(crowd.channels);
  if (connection === undefined || channel === undefined) return false;
  const { kind, name } = connection.target;
  const count = random.chance(0.2) ? random.between(2, 5) : 1;
  for (let i = 0; i < count; i++) {
    connection.publish({ n: random.between(0, 1e9) }, kind === "channel" ? name : channel);
  }
  return true;
}

async function broadcast(_: World, crowd: Crowd): Promise<boolean> {
  await crowd.broadcasts.tell();
  return true;
}

function sweep(_: World, crowd: Crowd): boolean {
  crowd.sweeping.begin();
  return true;
}

function askByFrame({ random }: World, crowd: Crowd): boolean {
  const connection = random.pick(crowd.live().filter(maySpeak));
  const channel = random.pick(crowd.channels);
  if (connection === undefined || channel === undefined) return false;
  const to = connection.target.kind === "user" ? { channel } : {};
  const frames = [
    { type: "history", limit: 5, order: "desc" },
    { type: "members" },
    { type: "heartbeat" },
    { type: "signal", event: "typing" },
  ];
  connection.say({ ...random.pick(frames), ...to });
  return true;
}

function subscribe({ random }: World, crowd: Crowd): boolean {
  const client = random.pick(
    crowd.clients.filter(
      ({ target, connection }) => target.kind === "user" && connection?.isLive && maySpeak(connection),
    ),
  );
  client?.subscribe(random.pick(crowd.channels) ?? "");
  return client !== undefined;
}

function unsubscribe({ random }: World, crowd: Crowd): boolean {
  const connection = random.pick(crowd.live().filter(({ subscribed }) => subscribed.views.size > 0));
  const channel = random.pick([...(connection?.subscribed.views.keys() ?? [])]);
  if (channel === undefined) return false;
  connection?.unsubscribe(channel);
  return true;
}

function evict({ faults }: World, object: SimulatedObject): boolean {
  if (!object.evict()) return false;
  faults.count("evicted", object.kind);
  return true;
}

function crash({ faults }: World, object: SimulatedObject): boolean {
  faults.count("crashed while idle", object.kind);
  object.crash("crashed while idle");
  return true;
}

function planCrash({ random }: World, object: SimulatedObject): boolean {
  object.plannedCrash = random.pick(["lost", "kept"] as const);
  return true;
}

/** A relay is the truth about nothing but its sockets: it may be lost and rebuilt. */
function loseRelay(world: World): boolean {
  const relays = world.objects().filter((object) => object.kind === "relay" && object.storage.hasTables);
  const relay = world.random.pick(relays);
  if (relay === undefined) return false;
  world.faults.count("storage lost", relay.kind);
  relay.lose();
  return true;
}

function deploy(world: World): boolean {
  world.deploy();
  return true;
}

function cutOff(world: World, object: SimulatedObject): boolean {
  world.cutOff(object, world.random.logBetween(...CUT_OFF_MS));
  return true;
}

async function pass(world: World): Promise<boolean> {
  await world.advance(world.random.logBetween(...LONG_MS));
  return true;
}
