import type { Settings } from "../config.ts";
import type { Database } from "../objects/migrations.ts";
import type { AdmitRequest, Clock, EndReason, TicketUse } from "../objects/ports.ts";
import type { Presence } from "../protocol/bodies.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";
import { offlineAt, presenceOf, versionOf } from "./presence.ts";
import { type SessionRow, SessionTable } from "./session-table.ts";
import { bury, isBuried, remainsOf } from "./tombstones.ts";
import { UserTable } from "./user-table.ts";

/** How long an ended session's row is kept beside live ones: as long as a late `admit` could come. */
const ENDED_ROW_MS = 300_000;

/**
 * The sessions of one user, wherever they are kept, and the presence that follows from them. A flap inside
 * the grace touches session rows only; the user's row is written when the user turns offline.
 */
export class Sessions {
  readonly #user: string;
  readonly #sql: Database;
  readonly #clock: Clock;
  readonly #settings: Settings;
  readonly #sessions: SessionTable;
  /** The rows, read once per change: an event asks for them several times. Lost on sleep, read again. */
  #cached: SessionRow[] | undefined;
  readonly #row: UserTable;

  constructor(user: string, sql: Database, clock: Clock, settings: Settings) {
    this.#user = user;
    this.#sql = sql;
    this.#clock = clock;
    this.#settings = settings;
    this.#sessions = new SessionTable(sql);
    this.#row = new UserTable(sql);
  }

  /** The oldest connection first. */
  live(): SessionRow[] {
    return this.all().filter(({ endedAt }) => endedAt === null);
  }

  /** Those that have to end so that one more may begin: the oldest. */
  surplus(): SessionRow[] {
    const live = this.live();
    return live.slice(0, Math.max(0, live.length + 1 - this.#settings.MAX_SESSIONS_PER_USER));
  }

  /** Why this session may not begin: its token is revoked, its ticket was used, or it is over already. */
  refusalFor({ session, issuedAt, ticket }: AdmitRequest): Refusal | undefined {
    const { tombstones } = this.#row.read();
    const refused = this.refusalOf(issuedAt, ticket, session);
    if (refused !== undefined) return refused;
    const over = this.all().some((row) => row.session === session && row.endedAt !== null);
    return over || isBuried(tombstones, session)
      ? refusal("session_gone", "this session is over")
      : undefined;
  }

  /** Why a token or ticket does not count. A ticket may come again for the `session` that it was used for. */
  refusalOf(issuedAt: number | null, ticket?: TicketUse, session?: string): Refusal | undefined {
    const { revokedBefore, tombstones } = this.#row.read();
    if (revokedBefore !== null && (issuedAt === null || issuedAt <= revokedBefore)) {
      return refusal("token_revoked", "this token was revoked");
    }
    const uses = ticket === undefined ? [] : this.all().filter(({ ticketId }) => ticketId === ticket.id);
    if (ticket === undefined || uses.some((row) => row.session === session)) return undefined;
    if (uses.length > 0 || isBuried(tombstones, ticket.id)) {
      return refusal("token_invalid", "this ticket was used");
    }
    // The Worker let it pass in time, but a call may be late: by now it may have been used and forgotten.
    return ticket.expiresAt <= this.#clock.now()
      ? refusal("token_expired", "this ticket has expired")
      : undefined;
  }

  /** A ticket was used for a request that makes no session. */
  useUp(ticket: TicketUse): void {
    this.#bury([ticket.id]);
  }

  /** Refuses every token issued in this second or before. */
  revoke(): void {
    this.#row.revoke(Math.floor(this.#clock.now() / 1000));
  }

  /** Nobody of this name was ever seen. What was revoked stays revoked, and what is over stays over. */
  erase(): void {
    const remains = remainsOf(this.all());
    this.change(() => {
      this.#sessions.deleteAll();
      const tombstones = bury(this.#row.read().tombstones, remains, this.#clock.now());
      this.#row.write(0, null, tombstones);
    });
  }

  begin(request: AdmitRequest): void {
    this.#forgetOld();
    const after = [...this.all(), { ...request, version: 0, endedAt: null }];
    this.change(() => this.#sessions.insert(request, this.#versionAfter(after)));
  }

  /**
   * The session is over. One that is not known leaves a tombstone: its `admit` may still be on the way.
   * Ending twice changes nothing.
   */
  end(session: string, at: number, reason: EndReason): void {
    const all = this.all();
    const known = all.find((row) => row.session === session);
    if (known === undefined) return this.#bury([session]);
    if (known.endedAt !== null) return;
    const after = all.map((row) => (row === known ? { ...row, endedAt: at } : row));
    this.change(() => this.#sessions.end(session, at, reason, this.#versionAfter(after)));
  }

  /** When the grace of a user without live sessions is over; null where there is nothing to wait for. */
  offlineAt(): number | null {
    return offlineAt(this.all(), this.#graceMs);
  }

  /** Turns the user offline if the grace is over: the rows go, and the user's row says since when. */
  passGrace(): void {
    const due = this.offlineAt();
    if (due === null || due > this.#clock.now()) return;
    this.change(() => this.#forget(this.all(), 1));
  }

  /** As the user and keys see it. `silent` are sessions kept here that were not heard for the TTL. */
  presence(silent: ReadonlySet<string>): Presence {
    return this.#presenceWith(this.all(), silent);
  }

  /** Live and ended, the oldest connection first. */
  all(): readonly SessionRow[] {
    this.#cached ??= this.#sessions.all();
    return this.#cached;
  }

  /** All or nothing; afterwards the rows are read anew, also where it failed half-way. */
  change(work: () => void): void {
    try {
      this.#sql.transaction(work);
    } finally {
      this.#cached = undefined;
    }
  }

  /** Ended rows beside live ones go when the next session begins: they need no alarm of their own. */
  #forgetOld(): void {
    const until = this.#clock.now() - ENDED_ROW_MS;
    const old = this.all().filter(({ endedAt }) => endedAt !== null && endedAt <= until);
    if (old.length > 0) this.change(() => this.#forget(old, 0));
  }

  /** The rows carry the version: what they held passes to the user's row before they go. */
  #forget(ended: readonly SessionRow[], versionStep: 0 | 1): void {
    const row = this.#row.read();
    const until = Math.max(...ended.map(({ endedAt }) => endedAt ?? 0));
    const version = versionOf(row, this.all()) + versionStep;
    const lastActiveAt = Math.max(row.lastActiveAt ?? 0, until);
    this.#row.write(version, lastActiveAt, bury(row.tombstones, remainsOf(ended), this.#clock.now()));
    this.#sessions.deleteEnded(until);
  }

  #bury(ids: readonly string[]): void {
    const { version, lastActiveAt, tombstones } = this.#row.read();
    const unburied = ids.filter((id) => !isBuried(tombstones, id));
    if (unburied.length === 0) return;
    this.#row.write(version, lastActiveAt, bury(tombstones, unburied, this.#clock.now()));
  }

  /** The version once the sessions are these: one higher where others would see a difference. */
  #versionAfter(after: readonly SessionRow[]): number {
    const sessions = this.all();
    const before = this.#presenceWith(sessions, NONE);
    const next = this.#presenceWith(after, NONE);
    const same = before.status === next.status && before.devices.join() === next.devices.join();
    return versionOf(this.#row.read(), sessions) + (same ? 0 : 1);
  }

  #presenceWith(sessions: readonly SessionRow[], silent: ReadonlySet<string>): Presence {
    return presenceOf({ user: this.#user, row: this.#row.read(), sessions, silent, graceMs: this.#graceMs });
  }

  get #graceMs(): number {
    return this.#settings.OFFLINE_GRACE_SECONDS * 1000;
  }
}

const NONE: ReadonlySet<string> = new Set();
