import type { Duty } from "../../objects/due-times.ts";
import type { Clock } from "../../objects/ports.ts";
import { type Refusal, refusal } from "../../protocol/codes.ts";
import type { PresenceChange } from "../../protocol/presence.ts";
import type { SessionRow } from "./session-table.ts";
import { changed, type Setting } from "./setting.ts";
import type { Standing } from "./standing.ts";

/**
 * What the user says of itself, for one session or for all, and who may see it. A duty ends what was said
 * for a time. What is said for all sessions outlives them.
 */
export class Statuses implements Duty {
  readonly name = "statuses";
  readonly #standing: Standing;
  readonly #clock: Clock;

  constructor(standing: Standing, clock: Clock) {
    this.#standing = standing;
    this.#clock = clock;
  }

  /** Says it for `session` where one speaks and the scope is not the user. A refusal changes nothing. */
  set(change: PresenceChange, session: string | undefined): Refusal | undefined {
    const scope = change.scope ?? (session === undefined ? "user" : "session");
    if (scope === "user") return this.#setForAll(change);
    const row = this.#standing.all().find((live) => live.session === session && live.endedAt === null);
    if (session === undefined) return refusal("bad_request", "scope: only a session can speak for a session");
    if (row === undefined) return refusal("session_gone", "this session is over");
    const setting = changed(row.setting, change, this.#clock.now());
    const { visibility } = change;
    if (visibility === undefined) this.#setForSession(row, setting);
    else {
      this.#standing.change(() => {
        this.#setForSession(row, setting);
        this.#setForAll({ visibility });
      });
    }
    return undefined;
  }

  nextAt(): number | null {
    let next: number | null = null;
    for (const { expiresAt } of this.#settings()) {
      if (expiresAt !== undefined && (next === null || expiresAt < next)) next = expiresAt;
    }
    return next;
  }

  run(now: number): void {
    const row = this.#standing.row();
    if (isOver(row.setting, now)) this.#standing.writeRow({ ...row, setting: null });
    for (const session of this.#standing.all()) {
      if (isOver(session.setting, now)) this.#setForSession(session, null);
    }
  }

  #setForAll(change: PresenceChange): undefined {
    const row = this.#standing.row();
    const setting = changed(row.setting, change, this.#clock.now());
    const visibility = change.visibility ?? row.visibility;
    if (JSON.stringify([setting, visibility]) === JSON.stringify([row.setting, row.visibility])) return;
    this.#standing.writeRow({ ...row, setting, visibility });
  }

  #setForSession(row: SessionRow, setting: Setting | null): void {
    if (setting === row.setting) return;
    const next = { ...row, setting };
    const after = this.#standing.all().map((other) => (other.session === row.session ? next : other));
    this.#standing.writeSession(after, (versions) => this.#standing.sessions.change(next, versions));
  }

  *#settings(): Iterable<Setting> {
    const { setting } = this.#standing.row();
    if (setting !== null) yield setting;
    for (const session of this.#standing.all()) if (session.setting !== null) yield session.setting;
  }
}

function isOver(setting: Setting | null, now: number): setting is Setting {
  return setting?.expiresAt !== undefined && setting.expiresAt <= now;
}
