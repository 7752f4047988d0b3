import type { Duty } from "../../objects/due-times.ts";
import type { Background, Clock, Log, Objects } from "../../objects/ports.ts";
import type { RelayReport } from "../../objects/relaying.ts";
import type { KnownRelays } from "./relay-targets.ts";

/** A relay says something at every sweep, so once in a TTL: after two and a half something is wrong. */
const LEASE_TTLS = 2.5;

interface LeaseRules {
  /** About when this relay last reported something, as rows tell. */
  reportedAt(relay: string): number;
  reported(relay: string, report: RelayReport): void;
}

/**
 * Relays that have fallen silent are asked whom they keep: where one was lost with its alarm nobody else would miss
 * its members. When each was heard is in memory only. Who wakes takes all of them to have been heard a while ago,
 * and on an alarm asks those of whom it has heard nothing since: a sleeper that is woken again and again would
 * else never count up to the end of a lease.
 */
export class Leases implements Duty {
  readonly name = "relays";
  readonly #ports: { clock: Clock; background: Background; objects: Objects; log: Log };
  readonly #ttlMs: number;
  readonly #relays: KnownRelays;
  readonly #rules: LeaseRules;
  readonly #wokeAt: number;
  readonly #heardAt = new Map<string, number>();
  readonly #underWay = new Set<string>();

  constructor(
    ports: { clock: Clock; background: Background; objects: Objects; log: Log },
    ttlMs: number,
    relays: KnownRelays,
    rules: LeaseRules,
  ) {
    this.#ports = ports;
    this.#ttlMs = ttlMs;
    this.#relays = relays;
    this.#rules = rules;
    this.#wokeAt = ports.clock.now();
  }

  /** A relay called, or answered. */
  heard(relay: string): void {
    this.#heardAt.set(relay, this.#ports.clock.now());
  }

  nextAt(): number | null {
    let next: number | null = null;
    for (const relay of this.#relays.names) {
      const at = this.#dueAt(relay);
      if (next === null || at < next) next = at;
    }
    return next;
  }

  run(now: number): void {
    for (const relay of this.#heardAt.keys()) if (!this.#relays.has(relay)) this.#heardAt.delete(relay);
    this.#ask(this.#relays.names.filter((relay) => this.#dueAt(relay) <= now));
  }

  alarm(): void {
    const since = this.#ports.clock.now() - LEASE_TTLS * this.#ttlMs;
    this.#ask(
      this.#relays.names.filter(
        (relay) => !this.#heardAt.has(relay) && this.#rules.reportedAt(relay) < since,
      ),
    );
  }

  /** In the background. One that does not answer is asked again in a TTL. */
  ask(relay: string): void {
    this.#ask([relay]);
  }

  #dueAt(relay: string): number {
    const unheard = Math.max(this.#rules.reportedAt(relay), this.#wokeAt - (LEASE_TTLS - 1) * this.#ttlMs);
    return (this.#heardAt.get(relay) ?? unheard) + LEASE_TTLS * this.#ttlMs;
  }

  #ask(relays: readonly string[]): void {
    const again = this.#ports.clock.now() - (LEASE_TTLS - 1) * this.#ttlMs;
    for (const relay of relays) {
      this.#heardAt.set(relay, again);
      if (this.#underWay.has(relay)) continue;
      this.#underWay.add(relay);
      this.#ports.background.run(this.#call(relay));
    }
  }

  async #call(relay: string): Promise<void> {
    try {
      const report = await this.#ports.objects.relay(relay).report();
      this.#rules.reported(relay, report);
    } catch (cause) {
      this.#ports.log.warn("relay did not report", {}, cause);
    }
    this.#underWay.delete(relay);
  }
}
