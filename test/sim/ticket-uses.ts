import type { World } from "./world.ts";

/** Who used which ticket: at most one may ever have got anything for it. */
export class TicketUses {
  readonly #world: World;
  readonly #presented = new Map<string, number>();
  readonly #used = new Map<string, string>();

  constructor(world: World) {
    this.#world = world;
  }

  presented(ticket: string): void {
    this.#presented.set(ticket, (this.#presented.get(ticket) ?? 0) + 1);
  }

  /** Whether a refusal is what it deserves: it came before. */
  mayBeUsed(ticket: string): boolean {
    return (this.#presented.get(ticket) ?? 0) > 1;
  }

  get usedInAll(): number {
    return this.#used.size;
  }

  isUsed(ticket: string): boolean {
    return this.#used.has(ticket);
  }

  /** `by`: a session, or a request that was allowed. */
  used(ticket: string, by: string): void {
    const before = this.#used.get(ticket);
    if (before !== undefined) {
      this.#world.journal.fail(`tickets once: ${ticket} was used by ${before}, and again by ${by}`);
    }
    this.#used.set(ticket, by);
  }
}
