import type { BroadcastRequest, BroadcastTaken } from "../objects/broadcast.ts";
import type { Duty } from "../objects/due-times.ts";
import { FIRST_RETRY_MS, Outbox } from "../objects/outbox.ts";
import type { Background, Clock, Log, Objects, Sql } from "../objects/ports.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";
import { type BroadcastDebt, BroadcastDebtTable, keyOf } from "./broadcast-debt-table.ts";
import { BroadcastKeyTable } from "./broadcast-key-table.ts";
import { BroadcastKeys } from "./broadcast-keys.ts";
import { type BroadcastJob, BroadcastTable } from "./broadcast-table.ts";
import type { EntryTable } from "./entry-table.ts";
import { Leg, type LegEnd } from "./leg.ts";

/** Users told in one event; the alarm goes on. Far below what one may call (10,000), and what a crash repeats. */
const LEG = 1000;
/** Calls at once. */
const LANES = 50;
/** Who has not answered by then is tried again later. The alarm sees to it: a timer would keep the object awake. */
const LEG_MS = 30_000;
/** Under way at once. A session remembers more than that, so that a repeat is none (`connections/broadcasts.ts`). */
const MOST_JOBS = 30;
const TRY_LATER_MS = 5_000;
/** With so many who did not answer the network is at fault, not they: the walk waits, so that rows stay bounded. */
const MOST_DEBTS = 1000;

interface BroadcastPorts {
  clock: Clock;
  background: Background;
  objects: Objects;
  log: Log;
  sql: Sql;
}

/**
 * Carries broadcasts to all whom this shard lists. What was taken is a row; a walk goes over the users by name, a
 * leg at a time, and moves its cursor only when a leg has been told, so that a crash repeats a leg and skips
 * nobody. Who does not answer is a debt, retried until the broadcast expires. To be told twice is harmless: each
 * session knows what it has heard.
 */
export class Broadcasts implements Duty {
  readonly name = "broadcasts";
  readonly keys: BroadcastKeys;
  /** Users who did not answer. */
  readonly late: Outbox<BroadcastDebt>;
  readonly #ports: BroadcastPorts;
  readonly #entries: EntryTable;
  readonly #jobs: BroadcastTable;
  readonly #debts: BroadcastDebtTable;
  readonly #settled: () => void;
  /** What this instance does about the oldest job; another one finds the job and goes on from its cursor. */
  #leg: Leg | undefined;
  /** When the alarm takes up the walk, or gives up waiting; on wake-up at once. */
  #dueAt = 0;

  /** `settled` is called after each leg, in a turn of its own. */
  constructor(ports: BroadcastPorts, entries: EntryTable, settled: () => void) {
    this.#ports = ports;
    this.#entries = entries;
    this.#settled = settled;
    this.#jobs = new BroadcastTable(ports.sql);
    this.#debts = new BroadcastDebtTable(ports.sql);
    this.keys = new BroadcastKeys(new BroadcastKeyTable(ports.sql), ports.clock);
    this.late = new Outbox(
      ports,
      this.#debts,
      (debt) => this.#tellLate(debt),
      (id) => this.#settle(id),
      "late broadcasts",
    );
  }

  /** Takes a broadcast for the `users` that are listed, and begins with it. */
  take(request: BroadcastRequest, users: number): BroadcastTaken | Refusal {
    const first = this.keys.find(request) ?? this.#known(request);
    if (first !== undefined) return first;
    const acceptedAt = this.#ports.clock.now();
    const { id, frame, expiresAt } = request;
    if (acceptedAt > expiresAt) return refusal("unavailable", "this call came too late");
    if (this.#jobs.all().length >= MOST_JOBS) {
      const message = `more than ${MOST_JOBS} broadcasts are under way`;
      return { ...refusal("rate_limited", message), retryAfterMs: TRY_LATER_MS, limit: "broadcasts" };
    }
    if (users > 0 || request.print !== undefined) {
      this.#ports.sql.transaction(() => {
        this.keys.remember(request, users);
        if (users > 0) this.#jobs.insert({ id, frame, users, acceptedAt, expiresAt, cursor: "" });
      });
    }
    this.#walkOn();
    return { users };
  }

  nextAt(): number | null {
    return this.#walking() === undefined ? null : this.#dueAt;
  }

  run(now: number): void {
    this.#dueAt = now + LEG_MS;
    if (this.#leg === undefined) this.#walkOn();
    else this.#leg.giveUp();
  }

  #known({ id }: BroadcastRequest): BroadcastTaken | undefined {
    const job = this.#find(id);
    return job && { users: job.users, duplicate: true };
  }

  #find(id: string): BroadcastJob | undefined {
    return this.#jobs.all().find((job) => job.id === id);
  }

  /** The oldest that has users before it: one after the other, so that many are no slower than they must be. */
  #walking(): BroadcastJob | undefined {
    return this.#jobs.all().find(({ cursor }) => cursor !== null);
  }

  #walkOn(): void {
    if (this.#leg !== undefined) return;
    const now = this.#ports.clock.now();
    this.#breakOffExpired(now);
    const job = this.#walking();
    if (job === undefined) return;
    const mustWait = this.#debts.count() >= MOST_DEBTS;
    this.#dueAt = now + (mustWait ? TRY_LATER_MS : LEG_MS);
    if (!mustWait) this.#ports.background.run(this.#walk(job));
  }

  async #walk(job: BroadcastJob): Promise<void> {
    try {
      await this.#tellSome(job);
      this.#dueAt = this.#ports.clock.now(); // the next leg is the alarm's: an event of its own
    } catch (cause) {
      this.#ports.log.warn("broadcast held up", { broadcast: job.id }, cause); // the job stays, and is taken up again
    }
    this.#leg = undefined;
    this.#settled();
  }

  async #tellSome(job: BroadcastJob): Promise<void> {
    const users = this.#entries.page("user", { after: job.cursor ?? "", prefix: "", limit: LEG });
    const names = users.map(({ name }) => name);
    this.#leg = new Leg(names, (user) => this.#tell(job, user));
    const end = await this.#leg.walk(Math.min(LANES, names.length));
    this.#moved(job, end, names.length < LEG && end.cursor === (names.at(-1) ?? ""));
  }

  /** The only place where a cursor moves: whom it passes was told, or is owed it from here on. */
  #moved({ id }: BroadcastJob, { cursor, missed, cause }: LegEnd, isLast: boolean): void {
    const dueAt = this.#ports.clock.now() + FIRST_RETRY_MS;
    this.#ports.sql.transaction(() => {
      for (const user of missed) this.#debts.owe(id, user, dueAt);
      if (!isLast) this.#jobs.move(id, cursor);
      else if (this.#debts.hasAnyOf(id)) this.#jobs.move(id, null);
      else this.#jobs.delete(id);
    });
    if (missed.length > 0)
      this.#ports.log.warn("users not told yet", { broadcast: id, users: missed.length }, cause);
  }

  async #tell({ id, frame, expiresAt }: BroadcastJob, user: string): Promise<void> {
    await this.#ports.objects.user(user).broadcast({ id, frame, expiresAt });
  }

  async #tellLate({ broadcast, user }: BroadcastDebt): Promise<void> {
    const job = this.#find(broadcast);
    if (job !== undefined && this.#ports.clock.now() <= job.expiresAt) return this.#tell(job, user);
    this.#ports.log.warn("broadcast given up", { broadcast, user });
  }

  #settle(id: string): void {
    this.#debts.settle(id);
    this.late.forget(id);
    const [broadcast] = keyOf(id);
    if (this.#find(broadcast)?.cursor === null && !this.#debts.hasAnyOf(broadcast)) {
      this.#jobs.delete(broadcast);
    }
  }

  /** What was said so long ago is news to nobody. Users who are owed it are given up as their debts are due. */
  #breakOffExpired(now: number): void {
    for (const { id, users, cursor, expiresAt } of this.#jobs.all()) {
      if (cursor === null || expiresAt >= now) continue;
      this.#ports.log.warn("broadcast broken off", { broadcast: id, users });
      this.#jobs.delete(id);
    }
  }
}
