import type { ChannelPort, Keeper, Ports, Socket, Sql, SqlValue, UserPort } from "../../src/objects/ports.ts";
import type { RelayPort } from "../../src/objects/relaying.ts";
import { NO_TALLY } from "../fixtures/direct-outlet.ts";
import { objectsVia } from "./calls.ts";
import type { Kind } from "./fault-table.ts";
import { newestFirst } from "./instance-ports.ts";
import type { ServerSocket } from "./server-socket.ts";
import type { SimulatedObject } from "./simulated-object.ts";
import { simulatedTokens } from "./simulated-tokens.ts";
import type { World } from "./world.ts";

type Inspected = Keeper & UserPort & ChannelPort & RelayPort;

/** Calls that only read: of these, a copy may ask other objects, by copies of them. */
const READS: ReadonlySet<string> = new Set([
  "lastSeen",
  "presence",
  "sessions",
  "members",
  "history",
  "summary",
]);

/**
 * Looks at an object without disturbing it. A read of the living instance would be an event: reads carry out
 * what is due, and so would mend what they ought to find. Instead a copy is woken from what is durable, as
 * after an eviction at this very moment; what it writes is rolled back and what it sends goes nowhere. So
 * this asks for more than the living one: whatever it knows in memory only does not count.
 */
export async function inspect<T>(
  world: World,
  object: SimulatedObject,
  ask: (copy: Inspected) => Promise<T>,
  alarmAt: number | null = object.alarm.at,
): Promise<{ result: T; alarmAt: number | null }> {
  let copyAlarm = alarmAt;
  let isOver = false;
  const ports: Ports = {
    clock: { now: () => world.now },
    // The world's random numbers must be the same whether it is looked at or not.
    random: { id: () => "an id of an inspection" },
    sql: untilOver(object.storage, () => isOver),
    alarm: {
      at: () => copyAlarm,
      set: (at) => {
        copyAlarm = at;
      },
    },
    sockets: socketsOf(object),
    timers: { after: () => {} },
    background: { run: (work) => void work.catch(() => {}) },
    objects: objectsVia((kind, name, method, args) => askAnother(world, kind, name, method, args)),
    tokens: simulatedTokens(() => world.now),
    uncounted: (work) => work(),
    tally: NO_TALLY,
    log: { warn: () => {} },
  };
  try {
    const Core = world.cores[object.kind];
    const copy = new Core(ports, world.settings, object.name) as Inspected;
    return { result: await ask(copy), alarmAt: copyAlarm };
  } finally {
    isOver = true;
    object.storage.rollback();
  }
}

/** What a copy left in the background must not write into the living object afterwards. */
function untilOver(sql: Sql, isOver: () => boolean): Sql {
  const inTime = <T>(use: () => T): T => {
    if (isOver()) throw new Error("this inspection is over");
    return use();
  };
  return {
    all: <Row>(query: string, ...values: SqlValue[]) => inTime(() => sql.all<Row>(query, ...values)),
    run: (query, ...values) => inTime(() => sql.run(query, ...values)),
    transaction: (work) => inTime(() => sql.transaction(work)),
  };
}

function askAnother(
  world: World,
  kind: Kind,
  name: string,
  method: string,
  args: unknown[],
): Promise<unknown> {
  if (!READS.has(method)) return new Promise(() => {});
  const ask = (copy: object) =>
    (copy as Record<string, (...args: unknown[]) => Promise<unknown>>)[method]?.(...args);
  return inspect(world, world.object(kind, name), async (copy) => await ask(copy)).then(
    ({ result }) => result,
  );
}

function socketsOf(object: SimulatedObject): { open(): Socket[] } {
  const copies = newestFirst(object.sockets).map((server) => new SocketCopy(server));
  return { open: () => copies.filter(({ isOpen }) => isOpen) };
}

/** A socket as a copy sees it: what is done to it is seen by nobody else. */
class SocketCopy implements Socket {
  attachment: string;
  isOpen = true;
  readonly #pingedAt: number | null;

  constructor(server: ServerSocket) {
    this.attachment = server.attachment;
    this.#pingedAt = server.pingedAt;
  }

  attach(text: string): void {
    this.attachment = text;
  }

  send(): void {}

  close(): void {
    this.isOpen = false;
  }

  pingedAt(): number | null {
    return this.#pingedAt;
  }
}
