import { type Debt, FIRST_RETRY_MS, type Ledger } from "../../objects/outbox.ts";
import { type EndReason, type Sql, WITHOUT_GRACE } from "../../objects/ports.ts";
import type { Device } from "../../protocol/names.ts";
import { type SessionEnding, type SessionRow, SessionTable } from "./session-table.ts";

/**
 * Each attempt whose user's object does not answer leaves an ended row that owes it the word. This many of one
 * user are enough: whoever keeps returning meanwhile is asked to wait, and the rows stay bounded.
 */
const MOST_ENDED_PER_USER = 200;

/** "This session of yours is over": owed to the user's object. With an `order` only its subscription is. */
export interface EndedDebt extends Debt {
  user: string;
  endedAt: number;
  reason: EndReason;
  order?: number;
}

/**
 * The sessions that a channel or a relay keeps: rows, and the same in memory, because they are asked for on every turn.
 * What ended is a debt to the user's object until it is confirmed, and counts in the roster until its grace
 * is over; only then the row goes. `onLast` is called when no row of a user is left.
 */
export class KeptSessions implements Ledger<EndedDebt> {
  readonly #table: SessionTable;
  readonly #rows = new Map<string, SessionRow>();
  readonly #ended = new Map<string, SessionRow>();
  readonly #rowsOf = new Map<string, number>();
  /** Live subscribed sessions of user connections, by user. */
  readonly #subscribed = new Map<string, Map<string, number>>();
  readonly #onLast: (user: string) => void;

  constructor(sql: Sql, onLast: (user: string) => void) {
    this.#table = new SessionTable(sql);
    this.#onLast = onLast;
    for (const row of this.#table.all()) this.#remember(row);
  }

  all(): Iterable<SessionRow> {
    return this.#rows.values();
  }

  ended(): Iterable<SessionRow> {
    return this.#ended.values();
  }

  /** Nothing is kept, and nothing owed. */
  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  /** Those that have not ended, also where an admission is under way. */
  get liveSize(): number {
    return this.#rows.size - this.#ended.size;
  }

  /** Whether too many ended sessions of this user still have their grace or their debt before them. */
  isFullOf(user: string): boolean {
    let count = 0;
    for (const row of this.#ended.values()) if (row.user === user) count++;
    return count >= MOST_ENDED_PER_USER;
  }

  live(session: string): SessionRow | undefined {
    const row = this.#rows.get(session);
    return row?.end === null ? row : undefined;
  }

  /** Live or ended. */
  find(session: string): SessionRow | undefined {
    return this.#rows.get(session);
  }

  /** Users who are subscribed by user connections, each with its live sessions and their orders. */
  get subscribed(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.#subscribed;
  }

  /** A subscribed session may begin anew. */
  begin(row: SessionRow): void {
    this.#table.insert(row);
    this.#remember(row);
  }

  /** The end of a live session, and with it the debt to tell its user; undefined when there is none to end. */
  end(session: string, at: number, reason: EndReason): SessionRow | undefined {
    return this.#end(session, { at, reason, tries: 0, dueAt: at + FIRST_RETRY_MS });
  }

  /** Likewise where its user's object said so: there is no debt. */
  endAsTold(session: string, at: number, reason: EndReason): SessionRow | undefined {
    return this.#end(session, { at, reason, tries: 0, dueAt: null });
  }

  #end(session: string, end: SessionEnding): SessionRow | undefined {
    const row = this.live(session);
    if (row === undefined) return undefined;
    this.#table.end(session, end);
    const ended = { ...row, end };
    this.#remember(ended);
    return ended;
  }

  /** Whether any row of this user is left, live or ended. */
  has(user: string): boolean {
    return this.#rowsOf.has(user);
  }

  userOf(session: string): string | undefined {
    return this.#rows.get(session)?.user;
  }

  /** A user was sent away: what ended a moment ago has no grace any more. The debt of its end stays as it is. */
  endGrace(user: string): void {
    for (const row of [...this.#ended.values()]) {
      if (row.user !== user || row.end === null || WITHOUT_GRACE.has(row.end.reason)) continue;
      const end = { ...row.end, reason: "removed" as const };
      this.#table.end(row.session, end);
      this.#remember({ ...row, end });
    }
  }

  /** Another word about a subscribed session. */
  setOrder(session: string, order: number): void {
    const row = this.live(session);
    if (row === undefined) return;
    this.#table.setOrder(session, order);
    this.#remember({ ...row, order });
  }

  /** The client of a live session has another device, since `at`; undefined where it does not live. */
  setDevice(session: string, device: Device, at: number): SessionRow | undefined {
    const row = this.live(session);
    if (row === undefined) return undefined;
    this.#table.setDevice(session, device, at);
    const changed = { ...row, device, changedAt: at };
    this.#remember(changed);
    return changed;
  }

  /** Nothing is left to do about this session. */
  delete(session: string): void {
    const user = this.userOf(session);
    this.#table.delete(session);
    this.#rows.delete(session);
    this.#ended.delete(session);
    this.#unsubscribe(user, session);
    if (user === undefined) return;
    const left = (this.#rowsOf.get(user) ?? 1) - 1;
    if (left > 0) this.#rowsOf.set(user, left);
    else if (this.#rowsOf.delete(user)) this.#onLast(user);
  }

  owed(): EndedDebt[] {
    const debts: EndedDebt[] = [];
    for (const { session, user, order, end } of this.#ended.values()) {
      if (end === null || end.dueAt === null) continue;
      const { at, reason, tries, dueAt } = end;
      const subscription = order === undefined ? {} : { order };
      debts.push({ id: session, user, endedAt: at, reason, tries, dueAt, ...subscription });
    }
    return debts;
  }

  owes(session: string): boolean {
    return this.#ended.get(session)?.end?.dueAt != null;
  }

  postpone(session: string, tries: number, dueAt: number): void {
    const row = this.#ended.get(session);
    if (row === undefined || row.end === null) return;
    this.#table.postpone(session, tries, dueAt);
    this.#remember({ ...row, end: { ...row.end, tries, dueAt } });
  }

  #remember(row: SessionRow): void {
    if (!this.#rows.has(row.session)) this.#rowsOf.set(row.user, (this.#rowsOf.get(row.user) ?? 0) + 1);
    this.#rows.set(row.session, row);
    if (row.end === null) this.#ended.delete(row.session);
    else this.#ended.set(row.session, row);
    if (row.order !== undefined && row.end === null) {
      const sessions = this.#subscribed.get(row.user) ?? new Map<string, number>();
      this.#subscribed.set(row.user, sessions.set(row.session, row.order));
    } else this.#unsubscribe(row.user, row.session);
  }

  #unsubscribe(user: string | undefined, session: string): void {
    const sessions = user === undefined ? undefined : this.#subscribed.get(user);
    if (user === undefined || sessions === undefined) return;
    sessions.delete(session);
    if (sessions.size === 0) this.#subscribed.delete(user);
  }
}
