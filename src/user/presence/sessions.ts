import type { Settings } from "../../config.ts";
import type { Duty } from "../../objects/due-times.ts";
import type { AdmitRequest, Clock, EndReason, TicketUse } from "../../objects/ports.ts";
import { type Refusal, refusal } from "../../protocol/codes.ts";
import type { Device } from "../../protocol/names.ts";
import { offlineAt, versionsOf } from "./presence.ts";
import type { SessionRow, Versions } from "./session-table.ts";
import type { Standing } from "./standing.ts";
import { bury, isBuried, remainsOf } from "./tombstones.ts";
import { NEVER_SEEN } from "./user-table.ts";

/** How long an ended session's row is kept beside live ones: as long as a late `admit` could come. */
const ENDED_ROW_MS = 300_000;

/**
 * The sessions of one user, wherever they are kept: which may begin, and what their ends leave behind. A flap
 * inside the grace touches session rows only; the user's row is written when the user turns offline.
 */
export class Sessions implements Duty {
  readonly name = "grace";
  readonly #standing: Standing;
  readonly #clock: Clock;
  readonly #settings: Settings;

  constructor(standing: Standing, clock: Clock, settings: Settings) {
    this.#standing = standing;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Live and ended, the oldest connection first. */
  all(): readonly SessionRow[] {
    return this.#standing.all();
  }

  /** The oldest connection first. */
  live(): SessionRow[] {
    return this.all().filter(({ endedAt }) => endedAt === null);
  }

  findLive(session: string): SessionRow | undefined {
    return this.live().find((row) => row.session === session);
  }

  /** Those that have to end so that one more may begin: the oldest. */
  surplus(): SessionRow[] {
    const live = this.live();
    return live.slice(0, Math.max(0, live.length + 1 - this.#settings.MAX_SESSIONS_PER_USER));
  }

  /** Why this session may not begin: its token is revoked, its ticket was used, or it is over already. */
  refusalFor({ session, issuedAt, ticket }: AdmitRequest): Refusal | undefined {
    const { tombstones } = this.#standing.row();
    const refused = this.refusalOf(issuedAt, ticket, session);
    if (refused !== undefined) return refused;
    const over = this.all().some((row) => row.session === session && row.endedAt !== null);
    return over || isBuried(tombstones, session)
      ? refusal("session_gone", "this session is over")
      : undefined;
  }

  /** Why a token or ticket does not count. A ticket may come again for the `session` that it was used for. */
  refusalOf(issuedAt: number | null, ticket?: TicketUse, session?: string): Refusal | undefined {
    const { revokedBefore, tombstones } = this.#standing.row();
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

  /** Refuses every token issued in this second or before; it never goes back. */
  revoke(): void {
    const row = this.#standing.row();
    const second = Math.floor(this.#clock.now() / 1000);
    this.#standing.writeRow({ ...row, revokedBefore: Math.max(row.revokedBefore ?? 0, second) });
  }

  /** Nobody of this name was ever seen. What was revoked stays revoked, and what is over stays over. */
  erase(): void {
    const { revokedBefore, tombstones } = this.#standing.row();
    const { version, shownVersion } = versionsOf(this.#standing.facts());
    const erasedVersion = Math.max(version, shownVersion) + 1;
    const row = {
      ...NEVER_SEEN,
      ...{ version: erasedVersion, shownVersion: erasedVersion, erasedVersion, revokedBefore },
      tombstones: bury(tombstones, remainsOf(this.all()), this.#clock.now()),
    };
    this.#standing.erase(row);
  }

  begin(request: AdmitRequest): void {
    this.#forgetOld();
    const begun = { ...request, version: 0, shownVersion: 0, setting: null, endedAt: null };
    const write = (versions: Versions) => this.#standing.sessions.insert(request, versions);
    this.#standing.writeSession([...this.all(), begun], write, { is: "started", row: begun });
  }

  /** The client of a live session has another device now. */
  setDevice(session: string, device: Device): void {
    const row = this.findLive(session);
    if (row === undefined || JSON.stringify(row.device) === JSON.stringify(device)) return;
    const after = this.all().map((other) => (other === row ? { ...row, device } : other));
    this.#standing.writeSession(after, (versions) =>
      this.#standing.sessions.change({ ...row, device }, versions),
    );
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
    const write = (versions: Versions) => this.#standing.sessions.end(session, at, versions);
    this.#standing.writeSession(after, write, { is: "ended", row: known, at, reason });
  }

  /** When the grace of a user without live sessions is over; null where there is nothing to wait for. */
  nextAt(): number | null {
    return offlineAt(this.all(), this.#settings.OFFLINE_GRACE_SECONDS * 1000);
  }

  /** Turns the user offline if the grace is over: the rows go, and the user's row says since when. */
  run(): void {
    const due = this.nextAt();
    if (due !== null && due <= this.#clock.now()) this.#forget(this.all());
  }

  /** All or nothing. */
  change(work: () => void): void {
    this.#standing.change(work);
  }

  /** Ended rows beside live ones go when the next session begins: they need no alarm of their own. */
  #forgetOld(): void {
    const until = this.#clock.now() - ENDED_ROW_MS;
    const old = this.all().filter(({ endedAt }) => endedAt !== null && endedAt <= until);
    if (old.length > 0) this.#forget(old);
  }

  /** The rows carry versions: what they held passes to the user's row before they go. */
  #forget(ended: readonly SessionRow[]): void {
    const row = this.#standing.row();
    const until = Math.max(...ended.map(({ endedAt }) => endedAt ?? 0));
    const rest = this.all().filter((session) => !ended.includes(session));
    const next = {
      ...row,
      lastActiveAt: Math.max(row.lastActiveAt ?? 0, until),
      awaySince: rest.length > 0 ? row.awaySince : null,
      tombstones: bury(row.tombstones, remainsOf(ended), this.#clock.now()),
    };
    this.#standing.writeRow(next, rest, () => this.#standing.sessions.deleteEnded(until));
  }

  #bury(ids: readonly string[]): void {
    const row = this.#standing.row();
    const unburied = ids.filter((id) => !isBuried(row.tombstones, id));
    if (unburied.length === 0) return;
    this.#standing.writeRow({ ...row, tombstones: bury(row.tombstones, unburied, this.#clock.now()) });
  }
}
