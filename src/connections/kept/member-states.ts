import type { Clock, MemberState, Sql } from "../../objects/ports.ts";
import { isPlain, PLAIN } from "./kept-members.ts";
import { MemberStateTable } from "./member-state-table.ts";

/**
 * How each user here appears, by the highest version that was heard. What an admission brings is stored only
 * where it is not plain: without a row a user is online and shown. What the user's object tells is always
 * stored, so that an older word that comes late is known as such after any sleep.
 */
export class MemberStates {
  readonly #table: MemberStateTable;
  readonly #clock: Clock;
  readonly #states = new Map<string, MemberState>();
  readonly #stored = new Map<string, number>();
  #newestAt = 0;

  constructor(sql: Sql, clock: Clock) {
    this.#table = new MemberStateTable(sql);
    this.#clock = clock;
    for (const [user, state, at] of this.#table.all()) this.#remember(user, state, at);
  }

  of(user: string): MemberState {
    return this.#states.get(user) ?? PLAIN;
  }

  /** When one was last stored, in milliseconds; 0 where none is known. */
  get newestAt(): number {
    return this.#newestAt;
  }

  /** Brought by an admission. */
  admitted(user: string, state: MemberState): void {
    if (state.version <= this.of(user).version) return;
    this.#states.set(user, state);
    if (this.#stored.has(user) || !isPlain(state)) this.#store(user, state);
  }

  /** Told by the user's object. */
  told(user: string, state: MemberState): void {
    if (state.version < this.of(user).version || state.version <= (this.#stored.get(user) ?? 0)) return;
    this.#store(user, state);
  }

  /** Nothing of this user is kept here any more. */
  forget(user: string): void {
    this.#states.delete(user);
    if (this.#stored.delete(user)) this.#table.delete(user);
  }

  #store(user: string, state: MemberState): void {
    const now = this.#clock.now();
    this.#table.write(user, state, now);
    this.#remember(user, state, now);
  }

  #remember(user: string, state: MemberState, at: number): void {
    this.#newestAt = Math.max(this.#newestAt, at);
    this.#states.set(user, state);
    this.#stored.set(user, state.version);
  }
}
