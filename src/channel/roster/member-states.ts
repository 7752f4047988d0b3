import type { MemberState, Sql } from "../../objects/ports.ts";
import { isPlain, PLAIN } from "./member.ts";
import { MemberStateTable } from "./member-state-table.ts";

/**
 * How each user here appears, by the highest version that was heard. What an admission brings is stored only
 * where it is not plain: without a row a user is online and shown. What the user's object tells is always
 * stored, so that an older word that comes late is known as such after any sleep.
 */
export class MemberStates {
  readonly #table: MemberStateTable;
  readonly #states = new Map<string, MemberState>();
  readonly #stored = new Map<string, number>();

  constructor(sql: Sql) {
    this.#table = new MemberStateTable(sql);
    for (const [user, state] of this.#table.all()) this.#remember(user, state);
  }

  of(user: string): MemberState {
    return this.#states.get(user) ?? PLAIN;
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
    this.#table.write(user, state);
    this.#remember(user, state);
  }

  #remember(user: string, state: MemberState): void {
    this.#states.set(user, state);
    this.#stored.set(user, state.version);
  }
}
