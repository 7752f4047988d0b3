import { settingsOf } from "../../src/config.ts";
import type { CallFaults } from "./calls.ts";
import { NO_CALL_FAULTS } from "./calls.ts";
import { Crowd } from "./clients.ts";
import { TOPICS, type Topic } from "./command.ts";
import { commandsOf, takeStep } from "./commands.ts";
import { checkDirectory } from "./directory-quiescence.ts";
import { SimulatedQueue } from "./event-queue.ts";
import { checkEvents } from "./event-quiescence.ts";
import type { FaultTable } from "./fault-table.ts";
import { Invariants } from "./invariants.ts";
import { checkErasure, checkRevocation } from "./last-orders.ts";
import { checkMail } from "./mail-quiescence.ts";
import type { Cores } from "./nature.ts";
import { checkPresences } from "./presence-quiescence.ts";
import { checkPromptness } from "./prompt-delivery.ts";
import { checkQuiescence } from "./quiescence.ts";
import { checkRelays } from "./relay-quiescence.ts";
import { SeededRandom } from "./seeded-random.ts";
import { World } from "./world.ts";

const USERS = ["ada", "bob", "cho", "dev"];
const CHANNELS = ["hall", "lab"];
/** A user's own silent session is found within ten sweeps and two TTLs; a debt is retried every ten minutes. */
const QUIET_TTLS = 25;
/** An object whose keeper has lost its storage is asked about it within the hour. */
const QUIET_WITH_LOSSES_TTLS = 65;
/** A debt that failed too often is tried every hour only. */
const QUIET_WITH_PARKED_TTLS = 90;

/** Of all worlds; and of those the ones whose relays are lost now and then. */
const WITH_RELAYS = 0.4;
const WITH_LOSSES = 0.3;
/** Two of five worlds, whatever they are like otherwise. */
const WITH_SWEEPS: readonly number[] = [0, 1];
/** Enough in one channel that it needs relays, and fewer in all: what is said there takes more calls. */
const RELAYED_USERS = 3;
const RELAYED_CLIENTS = { own: 1, channels: [3, 0] };

/** Where events are exported: a webhook that nobody calls, and how often the queue fails. */
const EXPORTING = {
  EVENTS: "*",
  WEBHOOK_URL: "https://hooks.example.com/",
  WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};
const QUEUE_FAILS = 0.3;

/** In each of the last steps something is broadcast: few connections outlast many more. */
const LAST_STEPS = 4;

export interface SeededRun {
  seed: number;
  steps: number;
  /** All events are exported, to a queue that often fails. */
  exportsEvents?: boolean;
  /** What objects know of one another is spoiled and put right in some worlds; not where a known fault has to show. */
  hasSweeps?: boolean;
  /** Hears everything that happens. */
  listener?: (line: string) => void;
}

/** What a run came to, when nothing was wrong. */
export interface RunResult {
  faults: FaultTable;
  turns: number;
  welcomes: number;
  /** Welcomes that gave what was missed. */
  recoveries: number;
  subscriptions: number;
  /** Welcomes by relays, and rosters that relays showed anew. */
  relayed: number;
  shownAnew: number;
  renewals: number;
  statuses: number;
  /** What connections were told of users whom they watch, compared with the truth; of those, watched over HTTP alone. */
  views: number;
  httpViews: number;
  /** Connections that stayed until it was quiet and had heard what was broadcast before. */
  broadcasts: number;
  /** Connections closed because their token had ended, and because newer ones began. */
  expired: number;
  replaced: number;
  /** Tickets that got somebody something. */
  tickets: number;
  /** Requests of users that were allowed. */
  allowed: number;
  orders: number;
  /** Revocations that met a live connection. */
  revokedAlive: number;
  stored: number;
  acknowledged: number;
  delivered: number;
  /** Direct messages that clients were told, and those of them that were told again. */
  directs: number;
  directsAgain: number;
  /** Shards that were swept, and pairs of objects that did not agree then. */
  sweeps: number;
  differences: number;
  /** Virtual time, in hours. */
  hours: number;
  /** What the queue of events took, took again, and how often it failed; 0 where none are exported. */
  events: number;
  eventsAgain: number;
  queueFailures: number;
}

/** Something was wrong: the message says what, what happened before, and how to see it again. */
export class SimulationFailed extends Error {
  override readonly name = "SimulationFailed";
}

/** Runs one world for so many steps, and then until it is quiet. Throws `SimulationFailed`. */
export async function runSeed(
  { seed, steps, listener, exportsEvents = false, hasSweeps = true }: SeededRun,
  cores: Cores,
): Promise<RunResult> {
  const traits = traitsOf(seed);
  if (!hasSweeps) traits.topics.delete("sweeps");
  const settings = exportsEvents ? { ...traits.settings, ...EXPORTING } : traits.settings;
  const world = new World(seed, settingsOf(settings), cores);
  if (exportsEvents) world.eventQueue = new SimulatedQueue(seed, QUEUE_FAILS);
  world.journal.listener = listener;
  const crowd = new Crowd(world, traits.users, CHANNELS, traits.clients);
  const commands = commandsOf(traits.topics);
  const invariants = new Invariants(world, crowd);
  world.onTurn = (object) => {
    invariants.turned(object);
    crowd.truth.turned(object);
  };
  world.callFaults = traits.callFaults;
  const failIfWrong = (step: number | string) => {
    const { failure, last } = world.journal;
    if (failure === undefined) return;
    throw new SimulationFailed(report({ seed, steps }, step, failure, last));
  };
  try {
    for (let step = 1; step <= steps; step++) {
      if (step > steps / 2 && crowd.operator.revokedAlive === 0) crowd.operator.revokeSomebody();
      if (step > steps - LAST_STEPS) await crowd.broadcasts.tell();
      await takeStep(world, crowd, commands);
      await invariants.check();
      failIfWrong(step);
    }
    if (crowd.operator.revokedAlive === 0) world.journal.fail("no revocation met a live connection");
    await becomeQuiet(world, crowd, invariants);
    failIfWrong("quiet");
    await checkPromptness(world, crowd);
    failIfWrong("prompt");
    await checkRevocation(world, crowd);
    await checkErasure(world, crowd, [...new Set(crowd.live().map(({ user }) => user))].slice(0, 1));
    failIfWrong("revoked or erased");
    for (const client of crowd.clients) client.close();
    await becomeQuiet(world, crowd, invariants);
    failIfWrong("empty");
    await checkErasure(world, crowd, crowd.users);
    failIfWrong("erased");
    const { ledger } = crowd;
    return {
      faults: world.faults,
      turns: world.turns,
      welcomes: ledger.welcomes,
      recoveries: ledger.recoveries,
      subscriptions: ledger.subscriptions,
      relayed: ledger.relayed,
      shownAnew: ledger.shownAnew,
      renewals: ledger.renewals,
      statuses: ledger.statuses,
      views: ledger.views,
      httpViews: ledger.httpViews,
      broadcasts: crowd.broadcasts.told,
      expired: ledger.expired,
      replaced: ledger.replaced,
      tickets: crowd.tickets.usedInAll,
      allowed: crowd.requests.allowed,
      orders: crowd.orders.given.length,
      revokedAlive: crowd.operator.revokedAlive,
      stored: invariants.stored,
      acknowledged: ledger.acknowledgedInAll,
      delivered: ledger.deliveredInAll,
      directs: crowd.mail.toldInAll,
      directsAgain: crowd.mail.repeatsInAll,
      sweeps: crowd.sweeping.done,
      differences: crowd.sweeping.differences,
      hours: world.hours,
      events: world.eventQueue?.events.size ?? 0,
      eventsAgain: world.eventQueue?.repeats ?? 0,
      queueFailures: world.eventQueue?.failures ?? 0,
    };
  } finally {
    world.close();
  }
}

interface Traits {
  settings: Record<string, string>;
  callFaults: CallFaults;
  topics: Set<Topic>;
  users: readonly string[];
  clients?: { own: number; channels: number[] };
}

/**
 * Each seed has a world of its own kind: from hardly a lost call to every fifth, few sessions or many, and about
 * half of the topics. What takes part in all of them is done less often in each, and some faults need a lot of one.
 */
function traitsOf(seed: number): Traits {
  const random = new SeededRandom(seed ^ 0x5eed);
  const rate = random.pick([0.01, 0.05, 0.1]) ?? 0;
  const topics = new Set<Topic>(TOPICS.filter(() => random.chance(0.5)));
  const hasRelays = random.chance(WITH_RELAYS);
  if (hasRelays && random.chance(WITH_LOSSES)) topics.add("losses");
  if (WITH_SWEEPS.includes(seed % 5)) topics.add("sweeps");
  return {
    settings: {
      JWT_SECRET: "a secret that only the simulator knows",
      DEFAULT_GRANTS: "open",
      MAX_SESSIONS_PER_USER: random.pick(["20", "3"]) ?? "20",
      AWAY_AFTER_SECONDS: random.pick(["300", "20", "0"]) ?? "300",
      WATCH_TTL_SECONDS: random.pick(["3600", "600"]) ?? "3600",
      INBOX_SIZE: random.pick(["1000", "1000", "8"]) ?? "1000",
      INBOX_TTL_SECONDS: random.pick(["604800", "604800", "900"]) ?? "604800",
      OFFLINE_GRACE_SECONDS: random.pick(["5", "5", "0.3"]) ?? "5",
      MEMBERS_DETAIL_MAX: random.pick(["1000", "1000", "2"]) ?? "1000",
      ...(hasRelays && {
        RELAY_CAPACITY: random.pick(["2", "3", "4"]) ?? "2",
        REGIONAL_RELAYS: random.pick(["false", "false", "true"]) ?? "false",
      }),
    },
    callFaults: { dropped: rate, replyLost: rate, repeated: rate, delayed: rate, crashed: rate / 2 },
    topics,
    users: hasRelays ? USERS.slice(0, RELAYED_USERS) : USERS,
    ...(hasRelays && { clients: RELAYED_CLIENTS }),
  };
}

/** Nothing fails any more; those that are connected stay, those that were cut off come back. */
async function becomeQuiet(world: World, crowd: Crowd, invariants: Invariants): Promise<void> {
  crowd.isCalm = true;
  world.callFaults = NO_CALL_FAULTS;
  world.mend();
  for (const object of world.objects()) object.plannedCrash = undefined;
  await world.advance(quietTtls(world) * world.settings.SESSION_TTL_SECONDS * 1000);
  await crowd.sweeping.putRight();
  await invariants.check();
  await checkQuiescence(world, crowd);
  await checkRelays(world, crowd);
  await checkDirectory(world, crowd);
  await checkPresences(world, crowd);
  await crowd.broadcasts.check();
  await checkMail(world, crowd, isAllKept(world));
  await crowd.sweeping.checkConvergence();
  await checkEvents(world, crowd, CHANNELS);
}

function quietTtls({ warnings, faults }: World): number {
  if (warnings.has("debt parked")) return QUIET_WITH_PARKED_TTLS;
  return faults.of("storage lost", "relay") > 0 ? QUIET_WITH_LOSSES_TTLS : QUIET_TTLS;
}

/** Neither time nor size takes a direct message from who is away in a run like this. */
function isAllKept({ settings }: World): boolean {
  return settings.INBOX_SIZE >= 1000 && settings.INBOX_TTL_SECONDS >= 604_800;
}

function report({ seed, steps }: SeededRun, step: number | string, failure: string, last: string[]): string {
  return [
    `SEED=${seed} step=${step}`,
    failure,
    "",
    `the last ${last.length} events:`,
    ...last,
    "",
    `replay: node test/sim/run.ts --seed ${seed} --steps ${steps}`,
  ].join("\n");
}
