import type { Settings } from "../../src/config.ts";
import type { DirectoryPort } from "../../src/objects/directory-port.ts";
import type { ChannelPort, Keeper, Ports, UserPort, Woken } from "../../src/objects/ports.ts";
import type { RelayPort } from "../../src/objects/relaying.ts";
import type { SimulatedQueue } from "./event-queue.ts";
import type { FaultTable } from "./fault-table.ts";
import type { Journal } from "./journal.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedObject } from "./simulated-object.ts";

/** A class that runs in the Worker, as its shell constructs it. */
export type Core<Port, Basis = Keeper> = new (ports: Ports, settings: Settings, name: string) => Basis & Port;

export interface Cores {
  user: Core<UserPort>;
  channel: Core<ChannelPort>;
  relay: Core<RelayPort>;
  directory: Core<DirectoryPort, Woken>;
}

/** What everything in one simulated world shares. */
export interface Nature {
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  readonly journal: Journal;
  readonly faults: FaultTable;
  readonly settings: Settings;
  readonly cores: Cores;
  /** Where events go; absent where none are exported. */
  readonly eventQueue?: SimulatedQueue | undefined;
  /** After each turn of an object. */
  turned(object: SimulatedObject): void;
  /** A handler threw: a bug, unless the simulator itself made it fail. True if it did. */
  thrown(what: string, cause: unknown): boolean;
  /** A line of the object's log. */
  warned(
    object: SimulatedObject,
    event: string,
    fields: Record<string, string | number>,
    cause: unknown,
  ): void;
}
