import { DebtIndex } from "../../objects/debt-index.ts";
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
  /** Sessions of its own connections, and subscriptions, that ended since this object woke. */
  readonly endedSoFar = { sessions: 0, subscriptions: 0 };
  readonly index = new DebtIndex<EndedDebt>((session) => debtOf(this.#ended.get(session)));
  readonly #table: SessionTable;
  readonly #rows = new Map<string, SessionRow>();
  readonly #ended = new Map<string, SessionRow>();
  readonly #rowsOf = new Map<string, number>();
  /** Ended sessions, by user. */
  readonly #endedOf = new Map<string, Set<string>>();
  /** Those that ended, or whose end has changed, since they were taken. */
  #news: string[] = [];
  /** Live subscribed sessions of user connections, by user. */
  readonly #subscribed = new Map<string, Map<string, number>>();
  readonly #onLast: (user: string) => void;

  constructor(sql: Sql, onLast: (user: string) => void) {
    this.#table = new SessionTable(sql);
    this.#onLast = onLast;
    for (const row of this.#table.all()) {
      this.#remember(row);
      this.#isOwed(row);
    }
  }

  all(): Iterable<SessionRow> {
    return this.#rows.values();
  }

  /** Sessions that ended, or whose grace has changed, since this was asked last: at first all that have ended. */
  takeEnded(): SessionRow[] {
    const news = this.#news;
    this.#news = [];
    return news.flatMap((session) => this.#ended.get(session) ?? []);
  }

  /** An ended session. */
  findEnded(session: string): SessionRow | undefined {
    return this.#ended.get(session);
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
    return (this.#endedOf.get(user)?.size ?? 0) >= MOST_ENDED_PER_USER;
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
    this.endedSoFar[row.order === undefined ? "sessions" : "subscriptions"] += 1;
    const ended = { ...row, end };
    this.#remember(ended);
    this.#isOwed(ended);
    return ended;
  }

  /** Whether any row of this user is left, live or ended. */
  has(user: string): boolean {
    return this.#rowsOf.has(user);
  }

  /** Users of whom some row is left, in no order that means anything. */
  users(): Iterable<string> {
    return this.#rowsOf.keys();
  }

  userOf(session: string): string | undefined {
    return this.#rows.get(session)?.user;
  }

  /** A user was sent away: what ended a moment ago has no grace any more. The debt of its end stays as it is. */
  endGrace(user: string): void {
    for (const session of [...(this.#endedOf.get(user) ?? [])]) {
      const row = this.#ended.get(session);
      if (row === undefined || row.end === null || WITHOUT_GRACE.has(row.end.reason)) continue;
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
    this.#forgetEnd(session, user);
    this.#unsubscribe(user, session);
    if (user === undefined) return;
    const left = (this.#rowsOf.get(user) ?? 1) - 1;
    if (left > 0) this.#rowsOf.set(user, left);
    else if (this.#rowsOf.delete(user)) this.#onLast(user);
  }

  owed(): EndedDebt[] {
    return [...this.#ended.values()].flatMap((row) => debtOf(row) ?? []);
  }

  owes(session: string): boolean {
    return this.#ended.get(session)?.end?.dueAt != null;
  }

  postpone(session: string, tries: number, dueAt: number): void {
    const row = this.#ended.get(session);
    if (row === undefined || row.end === null) return;
    this.#table.postpone(session, tries, dueAt);
    this.#remember({ ...row, end: { ...row.end, tries, dueAt } });
    this.index.put(session, dueAt);
  }

  #isOwed({ session, end }: SessionRow): void {
    if (end != null && end.dueAt !== null) this.index.put(session, end.dueAt);
  }

  #remember(row: SessionRow): void {
    if (!this.#rows.has(row.session)) this.#rowsOf.set(row.user, (this.#rowsOf.get(row.user) ?? 0) + 1);
    this.#rows.set(row.session, row);
    if (row.end === null) this.#forgetEnd(row.session, row.user);
    else this.#rememberEnd(row);
    if (row.order !== undefined && row.end === null) {
      const sessions = this.#subscribed.get(row.user) ?? new Map<string, number>();
      this.#subscribed.set(row.user, sessions.set(row.session, row.order));
    } else this.#unsubscribe(row.user, row.session);
  }

  #rememberEnd(row: SessionRow): void {
    this.#ended.set(row.session, row);
    this.#news.push(row.session);
    const sessions = this.#endedOf.get(row.user);
    if (sessions === undefined) this.#endedOf.set(row.user, new Set([row.session]));
    else sessions.add(row.session);
  }

  #forgetEnd(session: string, user: string | undefined): void {
    if (!this.#ended.delete(session) || user === undefined) return;
    this.index.delete(session);
    const sessions = this.#endedOf.get(user);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#endedOf.delete(user);
  }

  #unsubscribe(user: string | undefined, session: string): void {
    const sessions = user === undefined ? undefined : this.#subscribed.get(user);
    if (user === undefined || sessions === undefined) return;
    sessions.delete(session);
    if (sessions.size === 0) this.#subscribed.delete(user);
  }
}

/** What an ended session owes its user's object, if anything. */
function debtOf(row: SessionRow | undefined): EndedDebt | undefined {
  if (row === undefined || row.end === null || row.end.dueAt === null) return undefined;
  const { at, reason, tries, dueAt } = row.end;
  const subscription = row.order === undefined ? {} : { order: row.order };
  return { id: row.session, user: row.user, endedAt: at, reason, tries, dueAt, ...subscription };
}
