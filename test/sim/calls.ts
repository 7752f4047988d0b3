import type { DirectoryPort } from "../../src/objects/directory-port.ts";
import type { ChannelPort, Objects, UserPort } from "../../src/objects/ports.ts";
import type { RelayPort } from "../../src/objects/relaying.ts";
import { Call, CallFailed, serving } from "./call.ts";
import type { Kind } from "./fault-table.ts";
import type { Instance } from "./instance.ts";
import type { Nature } from "./nature.ts";
import { plainCopy } from "./plain-copy.ts";
import type { SimulatedObject } from "./simulated-object.ts";

const USER_METHODS = {
  admit: 0,
  ended: 0,
  presence: 0,
  sessions: 0,
  allow: 0,
  endSession: 0,
  endAll: 0,
  erase: 0,
  setPresence: 0,
  active: 0,
  setDevice: 0,
  watching: 0,
  watch: 0,
  unwatch: 0,
  watchers: 0,
  watchedBy: 0,
  unwatchedBy: 0,
  notice: 0,
  deliver: 0,
  unsubscribed: 0,
  endedTogether: 0,
  send: 0,
  inbox: 0,
  ackInbox: 0,
  signal: 0,
  signalTogether: 0,
  list: 0,
  audit: 0,
  pairWith: 0,
  unclaimed: 0,
  broadcast: 0,
} satisfies Record<keyof UserPort, 0>;
const CHANNEL_METHODS = {
  end: 0,
  publish: 0,
  signal: 0,
  members: 0,
  history: 0,
  summary: 0,
  forget: 0,
  lastSeen: 0,
  removeMember: 0,
  lastActive: 0,
  setMember: 0,
  subscribe: 0,
  unsubscribe: 0,
  unsubscribeTogether: 0,
  setSubscriberDevice: 0,
  read: 0,
  relayed: 0,
  list: 0,
  audit: 0,
  broadcast: 0,
} satisfies Record<keyof ChannelPort, 0>;
const RELAY_METHODS = {
  push: 0,
  report: 0,
  remove: 0,
  dissolve: 0,
  end: 0,
  lastSeen: 0,
  lastActive: 0,
  broadcast: 0,
} satisfies Record<keyof RelayPort, 0>;
const DIRECTORY_METHODS = {
  setUser: 0,
  setChannel: 0,
  users: 0,
  channels: 0,
  counts: 0,
  addCosts: 0,
  costs: 0,
  unknown: 0,
  broadcast: 0,
  sweep: 0,
  health: 0,
  probe: 0,
} satisfies Record<keyof DirectoryPort, 0>;

/** How likely each fault is to meet a call. */
export interface CallFaults {
  dropped: number;
  replyLost: number;
  repeated: number;
  delayed: number;
  crashed: number;
}

export const NO_CALL_FAULTS: CallFaults = { dropped: 0, replyLost: 0, repeated: 0, delayed: 0, crashed: 0 };

const USUAL_MS = [1, 30] as const;
/** Up to twice the TTL: a keeper has given up by then. */
const DELAYED_MS = [1_000, 120_000] as const;
/** How long a caller waits before it learns that a call failed. */
const FAILURE_MS = [10, 10_000] as const;
const REPEATED_MS = [1, 60_000] as const;

/** What a caller is told, exactly once, if it still lives. */
interface Answer {
  reply(result: unknown): void;
  fail(message: string, isInjected: boolean): void;
}

/** A call on its way: from an object, to the callee's name. */
interface Sent {
  call: Call;
  caller: SimulatedObject;
  callee: string;
  method: string;
  args: unknown[];
}

type Invoke = (method: string, args: unknown[]) => Promise<unknown>;

/** Builds ports whose methods all go through `invoke`. Its methods are made once: a port is made for each call. */
function portOf<Port>(methods: object): (invoke: Invoke) => Port {
  class Via {
    readonly invoke: Invoke;

    constructor(invoke: Invoke) {
      this.invoke = invoke;
    }
  }
  for (const method of Object.keys(methods)) {
    Object.defineProperty(Via.prototype, method, {
      value(this: Via, ...args: unknown[]) {
        return this.invoke(method, args);
      },
    });
  }
  return (invoke) => new Via(invoke) as Port;
}

const userPort = portOf<UserPort>(USER_METHODS);
const channelPort = portOf<ChannelPort>(CHANNEL_METHODS);
const relayPort = portOf<RelayPort>(RELAY_METHODS);
const directoryPort = portOf<DirectoryPort>(DIRECTORY_METHODS);

/** Ports to other objects, however a call gets there. */
export function objectsVia(
  invoke: (kind: Kind, name: string, method: string, args: unknown[]) => Promise<unknown>,
): Objects {
  return {
    user: (name) => userPort((method, args) => invoke("user", name, method, args)),
    channel: (name) => channelPort((method, args) => invoke("channel", name, method, args)),
    relay: (name) => relayPort((method, args) => invoke("relay", name, method, args)),
    directory: (shard) => directoryPort((method, args) => invoke("directory", shard, method, args)),
  };
}

/** One method of an object's core, by name: what a stub does on the far side. */
export async function invokeOn(instance: Instance, method: string, args: unknown[]): Promise<unknown> {
  const core = instance.core as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const found = core[method];
  if (found === undefined) throw new Error(`no method ${method}`);
  return await found.apply(core, args);
}

/** The network between objects: calls take time, get lost, arrive twice, and find their callee crashing. */
export class Calls {
  readonly #nature: Nature;
  readonly #objectOf: (kind: Kind, name: string) => SimulatedObject;
  readonly #cutOff = new Map<SimulatedObject, number>();
  faults: CallFaults = NO_CALL_FAULTS;

  constructor(nature: Nature, objectOf: (kind: Kind, name: string) => SimulatedObject) {
    this.#nature = nature;
    this.#objectOf = objectOf;
  }

  /** How that instance of an object reaches others. */
  from(caller: SimulatedObject, instance: Instance): Objects {
    return objectsVia((kind, name, method, args) => {
      const call = new Call(caller.kind, kind, serving.getStore());
      return new Promise((resolve, reject) => {
        const sent = plainCopy(args);
        call.parent?.pending.add(call);
        instance.calls++;
        const settle = (event: string, work: () => void) => {
          void this.#nature.scheduler.after(this.#usual(), () =>
            caller.resume(instance, event, () => {
              instance.calls--;
              call.parent?.pending.delete(call);
              work();
            }),
          );
        };
        const answer: Answer = {
          reply: (result) => settle(`answer of ${kind} ${name} to ${method}`, () => resolve(result)),
          fail: (message, isInjected) =>
            settle(`${method} of ${kind} ${name} failed`, () =>
              reject(isInjected ? new CallFailed(message) : new Error(message)),
            ),
        };
        instance.leave(() => this.#send({ call, caller, callee: name, method, args: sent }, answer));
      });
    });
  }

  /** A call from the Worker: it meets no faults of its own, but its callee may crash. */
  fromOutside(kind: Kind, name: string, method: string, args: unknown[], answer: Answer): void {
    const call = new Call("worker", kind, undefined);
    this.#nature.scheduler.after(this.#usual(), () =>
      this.#deliver(call, name, method, plainCopy(args), answer),
    );
  }

  /** Until then, no call leaves this object and none reaches it; clients still do. */
  cutOff(object: SimulatedObject, until: number): void {
    this.#cutOff.set(object, until);
    this.#nature.faults.count("cut off from others", object.kind);
  }

  mend(): void {
    this.#cutOff.clear();
  }

  #isCutOff(object: SimulatedObject): boolean {
    return (this.#cutOff.get(object) ?? 0) > this.#nature.scheduler.now;
  }

  #send({ call, caller, callee: name, method, args }: Sent, answer: Answer): void {
    const { random, scheduler, faults } = this.#nature;
    const kind = call.callee;
    if (this.#isCutOff(caller) || this.#isCutOff(this.#objectOf(kind, name))) {
      this.#failLater(answer, "the object cannot be reached");
      return;
    }
    if (random.chance(this.faults.dropped)) {
      faults.count("call dropped", kind);
      this.#failLater(answer, "the call was lost");
      return;
    }
    const isDelayed = random.chance(this.faults.delayed);
    if (isDelayed) faults.count("call delayed", kind);
    const arrives = isDelayed ? random.logBetween(...DELAYED_MS) : this.#usual();
    scheduler.after(arrives, () => this.#deliver(call, name, method, args, this.#perhapsLost(kind, answer)));
    if (!random.chance(this.faults.repeated)) return;
    faults.count("call repeated", kind);
    const again = new Call(call.caller, kind, call.parent);
    scheduler.after(arrives + random.logBetween(...REPEATED_MS), () =>
      this.#deliver(again, name, method, plainCopy(args), { reply: () => {}, fail: () => {} }),
    );
  }

  #perhapsLost(kind: Kind, answer: Answer): Answer {
    const { random, faults } = this.#nature;
    if (!random.chance(this.faults.replyLost)) return answer;
    return {
      reply: () => {
        faults.count("reply lost", kind);
        this.#failLater(answer, "the reply was lost");
      },
      fail: (message, isInjected) => answer.fail(message, isInjected),
    };
  }

  async #deliver(call: Call, name: string, method: string, args: unknown[], answer: Answer): Promise<void> {
    const callee = this.#objectOf(call.callee, name);
    const { random, faults } = this.#nature;
    if (random.chance(this.faults.crashed)) {
      faults.count("crashed in a call", callee.kind);
      callee.plannedCrash = random.pick(["lost", "kept"] as const);
    }
    await callee.turn(
      `${call.caller} calls ${method}`,
      (instance) => {
        instance.owe(call, () => this.#failLater(answer, "the object crashed while it served the call"));
        instance.handle(
          async () => plainCopy(await invokeOn(instance, method, args)),
          (sent) => {
            call.isAnswered = true;
            instance.answer(call, () => answer.reply(sent));
          },
          (cause) => {
            call.isAnswered = true;
            const isInjected = this.#nature.thrown(`${callee} threw in ${method}`, cause);
            const message = cause instanceof Error ? cause.message : String(cause);
            instance.answer(call, () => answer.fail(message, isInjected));
          },
        );
      },
      call,
    );
  }

  #failLater(answer: Answer, message: string): void {
    const wait = this.#nature.random.logBetween(...FAILURE_MS);
    this.#nature.scheduler.after(wait, () => answer.fail(message, true));
  }

  #usual(): number {
    return this.#nature.random.between(...USUAL_MS);
  }
}
