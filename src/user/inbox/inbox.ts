import type { Settings } from "../../config.ts";
import type { Duty } from "../../objects/due-times.ts";
import type { DirectRequest } from "../../objects/inbox-port.ts";
import { isLeftOut } from "../../objects/left-out.ts";
import type { Clock, Random, Sql } from "../../objects/ports.ts";
import type { PublishKeys } from "../../objects/publish-keys.ts";
import type { From } from "../../protocol/bodies.ts";
import { isRefusal, type Refusal } from "../../protocol/codes.ts";
import { Devices, NO_DEVICE } from "./devices.ts";
import { directId } from "./direct-text.ts";
import { InboxMessageTable, type QueuedMessage } from "./inbox-message-table.ts";
import { InboxTable } from "./inbox-table.ts";
import { Retention } from "./retention.ts";

const ROWS_AT_ONCE = 50;
const PAUSE_MS = 1000;

/** What an inbox asks and tells. */
export interface InboxRules {
  /** Whether a session with this device is connected here. */
  isLive(device: string): boolean;
  /** So many messages went that no device had acknowledged: over, or pushed out of a full inbox. */
  expired(messages: number): void;
  /** Which these are, before they go; absent where nobody wants to know. */
  unfetched?(messages: readonly QueuedMessage[]): void;
}

/** What came of storing a message: `isNew` is false for the repeat of a key. */
export interface Stored {
  id: string;
  seq: number;
  isNew: boolean;
}

/**
 * What waits for the devices of one user. `seq` is dense and grows by one; it is given in the transaction that
 * stores the message, so what was answered is what is stored. A message goes when every known device has
 * acknowledged it, when it is over, or when it has to give way in a full inbox.
 */
export class Inbox implements Duty {
  readonly name = "inbox";
  /** Messages that were over, since this object woke. */
  deletedSoFar = 0;
  readonly #user: string;
  readonly #ports: { sql: Sql; clock: Clock; random: Random };
  readonly #keys: PublishKeys;
  readonly #rules: InboxRules;
  readonly #messages: InboxMessageTable;
  readonly #retention: Retention;
  readonly #row: InboxTable;
  readonly #devices: Devices;
  /** When a sweep that had too much to do goes on; losing it on sleep means at once. */
  #resumeAt: number | null = null;

  constructor(
    ports: { sql: Sql; clock: Clock; random: Random },
    settings: Settings,
    about: { user: string; keys: PublishKeys },
    rules: InboxRules,
  ) {
    this.#user = about.user;
    this.#ports = ports;
    this.#keys = about.keys;
    this.#rules = rules;
    this.#messages = new InboxMessageTable(ports.sql);
    this.#retention = new Retention(this.#messages, settings, rules.unfetched);
    this.#row = new InboxTable(ports.sql);
    this.#devices = new Devices(ports, this.#row, settings, rules.isLive);
  }

  /** The highest `seq` ever given, 0 for none. */
  get latest(): number {
    return Math.max(this.#messages.top(), this.#row.read()?.latest ?? 0, this.#devices.highest());
  }

  /** What ids of messages begin with; empty where there never was one. */
  get epoch(): string {
    return this.#row.read()?.epoch ?? "";
  }

  /** Up to where this device has acknowledged; one never seen begins after what any has acknowledged. */
  ackedOf(device: string): number {
    return this.#devices.ackedOf(device);
  }

  /** Stores one message, or finds what its key stored. Durable before the answer can leave. */
  store(request: DirectRequest): Stored | Refusal {
    const { once } = request;
    return this.#ports.sql.transaction(() => {
      const first = once === undefined ? undefined : this.#keys.find({ ...request, once });
      if (isRefusal(first)) return first;
      if (first !== undefined) return { ...this.#named(first.offset), isNew: false };
      const at = this.#ports.clock.now();
      const seq = this.latest + 1;
      if (seq === 1) this.#row.write({ epoch: this.#ports.random.id(), latest: 0, acked: 0 });
      const pushedOut = this.#retention.makeRoom(request.sender, this.#devices.highest());
      if (pushedOut > 0) this.#rules.expired(pushedOut);
      this.#append(seq, at, request);
      if (once !== undefined) this.#keys.remember({ ...request, once }, { offset: seq, at });
      return { ...this.#named(seq), isNew: true };
    });
  }

  /** What comes after `seq`, whoever is left out of it. A few rows at a time: whoever reads may stop early. */
  *after(seq: number, likely = ROWS_AT_ONCE): Generator<QueuedMessage> {
    const most = Math.min(likely, ROWS_AT_ONCE);
    for (let reached = seq; ; ) {
      const rows = this.#messages.after(reached, most);
      yield* rows;
      if (rows.length < most) return;
      reached = rows.at(-1)?.seq ?? reached;
    }
  }

  /** Whether a message that was read is told to this session, or to a back end: it is neither over nor leaves it out. */
  isTold(message: QueuedMessage, reader: From | undefined): boolean {
    if (this.#retention.isOver(message, this.#ports.clock.now())) return false;
    return message.exclude === undefined || reader === undefined || !isLeftOut(message.exclude, reader);
  }

  /** How many messages after `from`, up to `until`, wait for this session; counted to about `most`. */
  waitingFor(session: From, from: number, until: number, most: number): number {
    let waiting = 0;
    for (let seq = from; seq < until && waiting < most; ) {
      const rows = this.#messages.exclusions(seq, until, ROWS_AT_ONCE);
      waiting += rows.filter(({ exclude }) => exclude === undefined || !isLeftOut(exclude, session)).length;
      seq = rows.length < ROWS_AT_ONCE ? until : (rows.at(-1)?.seq ?? until);
    }
    return waiting;
  }

  /** This device is done with all up to `seq`. A repeat writes nothing. */
  acknowledge(device: string, seq: number): void {
    const reached = this.#pastExclusions(device, Math.min(seq, this.latest));
    this.#ports.sql.transaction(() => {
      this.#devices.acknowledge(device, reached);
      this.#deleteAcknowledged();
    });
  }

  /** This device is connected: messages wait for it from here on. */
  see(device: string): void {
    this.#ports.sql.transaction(() => {
      this.#devices.see(device);
      this.#deleteAcknowledged(); // another device may have given way
    });
  }

  /** This device was connected until now. One that had to give way meanwhile stays forgotten. */
  left(device: string): void {
    this.#devices.left(device);
  }

  /** In the transaction that erases the user. */
  erase(): void {
    this.#messages.clear();
    this.#devices.clear();
    this.#row.clear();
    this.#resumeAt = null;
  }

  nextAt(): number | null {
    const next = this.#retention.nextEnd();
    if (next === null) return null;
    return this.#resumeAt ?? Math.min(next, this.#devices.nextEnd(this.latest) ?? next);
  }

  run(now: number): void {
    this.#ports.sql.transaction(() => {
      const { latest } = this;
      this.#devices.forgetUnseen(now);
      this.#deleteAcknowledged();
      const { deleted, unfetched, isDone } = this.#retention.deleteEnded(now, this.#devices.highest());
      const row = this.#row.read();
      if (row !== undefined && this.latest < latest) this.#row.write({ ...row, latest });
      if (unfetched > 0) this.#rules.expired(unfetched);
      this.deletedSoFar += deleted;
      this.#resumeAt = isDone ? null : now + PAUSE_MS;
    });
  }

  #named(seq: number): { id: string; seq: number } {
    return { id: directId(this.epoch, seq), seq };
  }

  /** Who is left out of a message with nothing before it would never acknowledge it: its cursor passes over it. */
  #append(seq: number, at: number, { exclude, ...request }: DirectRequest): void {
    const isAboutUs = exclude !== undefined && (exclude.user ?? this.#user) === this.#user;
    const end = this.#retention.endOf(at, request.ttlSeconds);
    this.#messages.insert(seq, at, end, isAboutUs ? { ...request, exclude } : request);
    if (!isAboutUs) return;
    for (const { device, acked } of this.#devices.all()) {
      const reached = this.#pastExclusions(device, acked);
      if (reached > acked) this.#devices.acknowledge(device, reached);
    }
    this.#deleteAcknowledged();
  }

  #deleteAcknowledged(): void {
    const lowest = this.#devices.lowest();
    const oldest = this.#messages.oldest();
    if (lowest !== null && oldest !== undefined && oldest.seq <= lowest) this.#messages.deleteUpTo(lowest);
  }

  /** From `seq` on past all that leaves this device out. */
  #pastExclusions(device: string, seq: number): number {
    const reader = { user: this.#user, ...(device !== NO_DEVICE && { device }) };
    for (let reached = seq; ; ) {
      const rows = this.#messages.exclusions(reached, Number.MAX_SAFE_INTEGER, ROWS_AT_ONCE);
      for (const { seq: next, exclude } of rows) {
        if (exclude === undefined || !isLeftOut(exclude, reader)) return reached;
        reached = next;
      }
      if (rows.length < ROWS_AT_ONCE) return reached;
    }
  }
}
