import type { EventQueue } from "../../src/objects/ports.ts";
import { QueuedEvent } from "../../src/protocol/events.ts";
import { CallFailed } from "./call.ts";
import type { Instance } from "./instance.ts";
import type { Nature } from "./nature.ts";
import { SeededRandom } from "./seeded-random.ts";
import type { SimulatedObject } from "./simulated-object.ts";

/** How a call to the queue may end: it took them, refused them, or took them and its answer was lost. */
const FATES = ["taken", "refused", "answer lost"] as const;
const LONGEST_MS = 2000;

/** The queue of events: it remembers all that it took, and fails as often as the test says. */
export class SimulatedQueue {
  /** What it took, each id once, as it came last. */
  readonly events = new Map<string, QueuedEvent>();
  /** Taken again under a known id. */
  repeats = 0;
  failures = 0;
  /** How often a call fails, from 0 to 1. */
  failing: number;
  /** Of its own, so that the rest of the world goes on as it would without it. */
  readonly #random: SeededRandom;

  constructor(seed: number, failing: number) {
    this.#random = new SeededRandom(seed ^ 0xe7e);
    this.failing = failing;
  }

  /** As one instance of an object calls it: the call leaves when the writes of its turn are durable. */
  portOf({ scheduler }: Nature, object: SimulatedObject, instance: Instance): EventQueue {
    return {
      sendBatch: (texts) =>
        new Promise((resolve, reject) => {
          const fate = this.#random.chance(this.failing) ? (this.#random.pick(FATES) ?? "taken") : "taken";
          instance.calls++;
          instance.leave(() => {
            if (fate !== "refused") this.#take(texts);
            if (fate !== "taken") this.failures++;
            scheduler.after(this.#random.logBetween(1, LONGEST_MS), () =>
              object.resume(instance, `event queue: ${fate}`, () => {
                instance.calls--;
                if (fate === "taken") resolve();
                else reject(new CallFailed(`the event queue: ${fate}`));
              }),
            );
          });
        }),
    };
  }

  /** Those of one type, or that begin so, in the order of their versions. */
  ofType(prefix: string): QueuedEvent[] {
    const found = [...this.events.values()].filter(({ type }) => type.startsWith(prefix));
    return found.sort((a, b) => versionOf(a) - versionOf(b));
  }

  #take(texts: readonly string[]): void {
    for (const text of texts) {
      const event = QueuedEvent.parse(JSON.parse(text));
      if (this.events.has(event.id)) this.repeats++;
      this.events.set(event.id, event);
    }
  }
}

/** What an event says. */
export function dataOf(event: QueuedEvent): Record<string, unknown> {
  return event.data as Record<string, unknown>;
}

export function versionOf(event: QueuedEvent): number {
  const { version, offset, seq } = dataOf(event);
  return Number(version ?? offset ?? seq);
}
