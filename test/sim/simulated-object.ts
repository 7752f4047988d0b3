import type { Ports } from "../../src/objects/ports.ts";
import { Call, serving } from "./call.ts";
import type { Kind } from "./fault-table.ts";
import { Instance } from "./instance.ts";
import type { Nature } from "./nature.ts";
import { PlatformAlarm } from "./platform-alarm.ts";
import type { ServerSocket } from "./server-socket.ts";
import { Storage } from "./storage.ts";

/** How a turn may end in a crash: it never was, or it is durable and only some of what it sent has left. */
export type TurnCrash = "lost" | "kept";

/** Lets every promise that can go on go on: Node's next tick comes when no microtask is left. */
export function drained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/**
 * One object of the platform: what is durable of it, and perhaps an instance. An event is a turn: the instance
 * runs until its microtasks drain, then its writes become durable together, then what it sent leaves.
 */
export class SimulatedObject {
  readonly kind: Kind;
  readonly name: string;
  readonly storage = new Storage();
  readonly alarm: PlatformAlarm;
  readonly sockets = new Set<ServerSocket>();
  /** Chosen by a fault: the next turn ends so. */
  plannedCrash: TurnCrash | undefined;
  readonly #nature: Nature;
  readonly #portsOf: (object: SimulatedObject, instance: Instance) => Ports;
  #instance: Instance | undefined;
  /** How often it was woken. */
  wakes = 0;

  constructor(
    nature: Nature,
    kind: Kind,
    name: string,
    portsOf: (object: SimulatedObject, instance: Instance) => Ports,
  ) {
    this.kind = kind;
    this.name = name;
    this.#nature = nature;
    this.#portsOf = portsOf;
    this.alarm = new PlatformAlarm(nature, kind, () => this.#alarmFires());
  }

  get isAwake(): boolean {
    return this.#instance !== undefined;
  }

  toString(): string {
    return `${this.kind} ${this.name}`;
  }

  /** One event: wakes the object if it sleeps, and runs it until nothing in it can go on. */
  async turn(event: string, work: (instance: Instance) => void, inServiceOf?: Call): Promise<void> {
    this.#nature.journal.write(`${this}: ${event}`);
    const instance = this.#instance ?? new Instance();
    instance.outputs = [];
    try {
      if (this.#instance === undefined) this.#wake(instance);
      serving.run(inServiceOf, work, instance);
    } catch (cause) {
      this.#nature.journal.fail(`${this} threw while it was woken for: ${event}`, cause);
    }
    await drained();
    this.#endTurn(instance);
    this.#nature.turned(this);
  }

  /** A turn of that very instance, if it still lives: how an answer or a timer comes back. */
  async resume(instance: Instance, event: string, work: () => void): Promise<void> {
    if (instance.isAlive) await this.turn(event, work);
  }

  /** Hibernation: memory goes, sockets and alarm stay. False where something is pending. */
  evict(): boolean {
    if (this.#instance?.maySleep !== true) return false;
    this.#nature.journal.write(`${this}: evicted`);
    this.#instance.isAlive = false;
    this.#instance = undefined;
    return true;
  }

  /** Memory and sockets go; nobody is told but those who wait for an answer, and the clients. */
  crash(why: string): void {
    this.#nature.journal.write(`${this}: ${why}`);
    const instance = this.#instance;
    this.#instance = undefined;
    for (const socket of this.sockets) socket.link.cut();
    this.sockets.clear();
    if (instance === undefined) return;
    instance.isAlive = false;
    for (const timer of instance.timers) timer.cancel();
    for (const broken of instance.owed.values()) broken();
  }

  /** All that it has stored is gone, its alarm too; what ran is dropped, and every socket cut. */
  lose(): void {
    this.crash("lost its storage");
    this.storage.lose();
    this.alarm.lose();
  }

  #wake(instance: Instance): void {
    this.wakes += 1;
    const { cores, settings } = this.#nature;
    this.#instance = instance;
    instance.core = new cores[this.kind](this.#portsOf(this, instance), settings, this.name);
  }

  #endTurn(instance: Instance): void {
    const outputs = instance.outputs ?? [];
    const crash = this.plannedCrash;
    instance.outputs = null;
    this.plannedCrash = undefined;
    if (crash === "lost") this.storage.rollback();
    else this.storage.commit();
    if (crash === undefined) {
      this.alarm.commit();
      for (const output of outputs) output();
      this.#findCircularWait(instance);
      return;
    }
    this.alarm.crash(crash);
    const left = crash === "lost" ? 0 : this.#nature.random.between(0, outputs.length);
    for (const output of outputs.slice(0, left)) output();
    this.#nature.faults.count(crash === "lost" ? "crashed, writes lost" : "crashed, writes kept", this.kind);
    this.crash(`crashed at the end of this turn, its writes ${crash}, ${left}/${outputs.length} outputs out`);
  }

  /** Rule 13 of the architecture: waits form no circle, because nobody waits for the kind that waits for it. */
  #findCircularWait(instance: Instance): void {
    for (const call of instance.owed.keys()) {
      if (!(call instanceof Call) || !call.isCircular) continue;
      const [next] = call.pending;
      this.#nature.journal.fail(`a circular wait: ${next}, while ${call} has no answer`);
    }
  }

  async #alarmFires(): Promise<void> {
    await this.turn("alarm", ({ core }) => {
      if (core === undefined) return;
      try {
        core.alarm();
      } catch (cause) {
        this.alarm.threw();
        this.#nature.thrown(`${this} threw in its alarm`, cause);
      }
    });
  }
}
