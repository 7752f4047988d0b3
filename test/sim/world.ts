import type { Settings } from "../../src/config.ts";
import type { DirectoryPort } from "../../src/objects/directory-port.ts";
import { NotAnswered } from "../../src/objects/not-answered.ts";
import type { ChannelPort, ConnectRequest, UserPort } from "../../src/objects/ports.ts";
import { CallFailed } from "./call.ts";
import { type CallFaults, Calls, objectsVia } from "./calls.ts";
import type { SimulatedQueue } from "./event-queue.ts";
import { FaultTable, type Kind } from "./fault-table.ts";
import { FrontDoor } from "./front-door.ts";
import { portsOf } from "./instance-ports.ts";
import { Journal } from "./journal.ts";
import type { Link, Peer } from "./link.ts";
import type { Cores, Nature } from "./nature.ts";
import { Scheduler } from "./scheduler.ts";
import { SeededRandom } from "./seeded-random.ts";
import { drained, SimulatedObject } from "./simulated-object.ts";

/** A full hour, so that times in a trace are easy to read; the date means nothing. */
const STARTS_AT = Date.UTC(2026, 10, 21, 9);

/** The platform in one process, chosen by a seed: time, objects, the network between them, and their deaths. */
export class World implements Nature {
  readonly scheduler = new Scheduler(STARTS_AT);
  readonly random: SeededRandom;
  readonly journal = new Journal(() => this.scheduler.now);
  readonly faults = new FaultTable();
  readonly settings: Settings;
  readonly cores: Cores;
  eventQueue: SimulatedQueue | undefined;
  /** Objects that had a turn since they were last looked at. */
  readonly touched = new Set<SimulatedObject>();
  /** Called after each turn, before anything else can happen. */
  onTurn: (object: SimulatedObject) => void = () => {};
  /** Hears every line that an object writes to its log. */
  onWarning: (event: string, fields: Record<string, string | number>) => void = () => {};
  turns = 0;
  /** Every kind of line that an object has written to its log. */
  readonly warnings = new Set<string>();
  readonly #calls: Calls;
  readonly #door: FrontDoor;
  readonly #objects = new Map<string, SimulatedObject>();

  constructor(seed: number, settings: Settings, cores: Cores) {
    this.random = new SeededRandom(seed);
    this.settings = settings;
    this.cores = cores;
    this.#calls = new Calls(this, (kind, name) => this.object(kind, name));
    this.#door = new FrontDoor(this, (kind, name) => this.object(kind, name));
  }

  get now(): number {
    return this.scheduler.now;
  }

  get hours(): number {
    return (this.now - STARTS_AT) / 3_600_000;
  }

  set callFaults(faults: CallFaults) {
    this.#calls.faults = faults;
  }

  /** Naming an object makes it, as on the platform; it wakes with its first event. */
  object(kind: Kind, name: string): SimulatedObject {
    const key = `${kind} ${name}`;
    const known = this.#objects.get(key);
    if (known !== undefined) return known;
    const object = new SimulatedObject(this, kind, name, (self, instance) =>
      portsOf(this, this.#calls, self, instance),
    );
    this.#objects.set(key, object);
    return object;
  }

  objects(): SimulatedObject[] {
    return [...this.#objects.values()];
  }

  /** On a channel, whoever the Worker finds takes it: the channel's object, or one of its relays. */
  connect(kind: Kind, name: string, request: ConnectRequest, peer: Peer): Link {
    return this.#door.connect(kind, name, request, peer);
  }

  user(name: string): UserPort {
    return this.#fromWorker.user(name);
  }

  channel(name: string): ChannelPort {
    return this.#fromWorker.channel(name);
  }

  directory(shard: string): DirectoryPort {
    return this.#fromWorker.directory(shard);
  }

  /** A part of the network fails: this object and the others cannot call one another for a while. */
  cutOff(object: SimulatedObject, ms: number): void {
    this.journal.write(`${object}: cut off from others for ${ms} ms`);
    this.#calls.cutOff(object, this.scheduler.now + ms);
  }

  /** Every object can reach every other again. */
  mend(): void {
    this.#calls.mend();
  }

  /** New code for everybody at once: what runs is dropped, and every socket is cut. */
  deploy(): void {
    for (const object of this.#objects.values()) {
      if (object.isAwake || object.sockets.size > 0) this.faults.count("deployed", object.kind);
      object.crash("deployed");
    }
  }

  /** Lets time pass, with all that happens in it. */
  async advance(ms: number): Promise<void> {
    const until = this.scheduler.now + ms;
    while (this.journal.failure === undefined && (await this.scheduler.next(until)));
    this.scheduler.arriveAt(until);
  }

  /** Lets time pass until this promise is settled; it must not wait for anything but this world. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await drained();
    while (!isSettled) {
      if (!(await this.scheduler.next(Number.POSITIVE_INFINITY)))
        throw new Error("nothing is left to happen");
      await drained();
    }
    return await promise;
  }

  turned(object: SimulatedObject): void {
    this.turns++;
    this.touched.add(object);
    this.onTurn(object);
  }

  thrown(what: string, cause: unknown): boolean {
    if (isInjected(cause)) return true;
    this.journal.fail(what, cause);
    return false;
  }

  warned(
    object: SimulatedObject,
    event: string,
    fields: Record<string, string | number>,
    cause?: unknown,
  ): void {
    this.warnings.add(event);
    this.onWarning(event, fields);
    this.journal.write(`${object} warns: ${event} ${JSON.stringify(fields)}`);
    if (cause !== undefined) this.thrown(`${object} warns: ${event}`, cause);
  }

  /** Ends with the world: databases in memory hold on to it until then. */
  close(): void {
    for (const object of this.#objects.values()) object.storage.close();
  }

  get #fromWorker() {
    return objectsVia(
      (kind, name, method, args) =>
        new Promise((resolve, reject) => {
          this.#calls.fromOutside(kind, name, method, args, {
            reply: resolve,
            fail: (message, isFault) => reject(isFault ? new CallFailed(message) : new Error(message)),
          });
        }),
    );
  }
}

function isInjected(cause: unknown): boolean {
  if (cause instanceof CallFailed || cause instanceof NotAnswered) return true; // what it waited for was lost
  return cause instanceof Error && cause.cause !== undefined && isInjected(cause.cause);
}
