import type { Ports, SqlValue } from "../../src/objects/ports.ts";
import { NO_TALLY } from "../fixtures/direct-outlet.ts";
import { serving } from "./call.ts";
import type { Calls } from "./calls.ts";
import type { Instance } from "./instance.ts";
import type { Nature } from "./nature.ts";
import type { Planned } from "./scheduler.ts";
import type { ServerSocket } from "./server-socket.ts";
import type { SimulatedObject } from "./simulated-object.ts";
import { simulatedTokens } from "./simulated-tokens.ts";

/** `getWebSockets()` lists the newest first (platform notes, 1.1); closing ones are not open. */
export function newestFirst(sockets: Iterable<ServerSocket>): ServerSocket[] {
  return [...sockets].filter(({ state }) => state === "open").reverse();
}

/** The ports of one instance. Storage and alarm answer only in a turn of it: a dead one can do no more harm. */
export function portsOf(nature: Nature, calls: Calls, object: SimulatedObject, instance: Instance): Ports {
  const { scheduler, random, journal } = nature;
  const { storage, alarm } = object;

  function inTurn<T>(use: () => T): T {
    if (instance.outputs === null) throw new Error(`${object}: a port used outside of any turn`);
    return use();
  }

  function after(ms: number, run: () => void): void {
    const call = serving.getStore();
    if (call !== undefined) call.timers++;
    const timer: Planned = scheduler.after(ms, () =>
      object.resume(instance, "timer", () => {
        instance.timers.delete(timer);
        if (call !== undefined) call.timers--;
        run();
      }),
    );
    instance.timers.add(timer);
  }

  return {
    clock: { now: () => scheduler.now },
    random: { id: () => random.id() },
    sql: {
      all: <Row>(query: string, ...values: SqlValue[]) => inTurn(() => storage.all<Row>(query, ...values)),
      run: (query, ...values) => inTurn(() => storage.run(query, ...values)),
      transaction: (work) => inTurn(() => storage.transaction(work)),
    },
    alarm: { at: () => alarm.at, set: (at) => inTurn(() => alarm.set(at)) },
    sockets: { open: () => newestFirst(object.sockets).map((socket) => instance.view(socket)) },
    timers: { after },
    background: {
      run: (work) => {
        instance.background++;
        work.then(
          () => instance.background--,
          (cause: unknown) => journal.fail(`${object}: background work left a failure unhandled`, cause),
        );
      },
    },
    objects: calls.from(object, instance),
    ...(nature.eventQueue && { events: nature.eventQueue.portOf(nature, object, instance) }),
    tokens: simulatedTokens(() => scheduler.now),
    uncounted: (work) => work(),
    tally: NO_TALLY,
    log: { warn: (event, fields, cause) => nature.warned(object, event, fields, cause) },
  };
}
