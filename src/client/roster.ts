import type { Member } from "../protocol/bodies.ts";
import type { RosterFrame } from "../protocol/server-frames.ts";

/** Who came, went or changed, and how many there are now. */
export interface RosterChange {
  count: number;
  joined: Member[];
  left: { user: string }[];
  changed: Member[];
}

/** Above a size the service sends the count alone. */
export type RosterUpdate = Pick<RosterFrame, "count"> &
  Partial<Pick<RosterFrame, "joined" | "left" | "changed">>;

/**
 * Who is in the channel, as far as the service has told: the first page, then every change. Each entry
 * sets a state, so that a repeat changes nothing.
 */
export class Roster {
  readonly #members = new Map<string, Member>();
  #count = 0;

  /** Known members by user id, in order of arrival. May be fewer than `count` in a large channel. */
  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  /** How many members the channel has, by the service's own count. */
  get count(): number {
    return this.#count;
  }

  /**
   * A welcome's roster takes the place of what was known. What comes back is the difference, so that a
   * reconnect announces only who really came or went.
   */
  replace(members: readonly Member[], count: number, cursor?: string): RosterChange {
    const now = new Set(members.map(({ user }) => user));
    // A welcome holds the first page, by user id: of who comes after its cursor it says nothing.
    const isToldOf = (user: string) => cursor === undefined || user <= cursor;
    const gone = [...this.#members.keys()].filter((user) => isToldOf(user) && !now.has(user));
    const left = gone.map((user) => ({ user }));
    return this.apply({ count, joined: [...members], left });
  }

  /** Takes in a `members` frame; answers with what was news. */
  apply(update: RosterUpdate): RosterChange {
    const change: RosterChange = { count: update.count, joined: [], left: [], changed: [] };
    this.#count = update.count;
    for (const { user } of update.left ?? []) {
      if (this.#members.delete(user)) change.left.push({ user });
    }
    for (const member of [...(update.joined ?? []), ...(update.changed ?? [])]) {
      const known = this.#members.get(member.user);
      this.#members.set(member.user, member);
      if (known === undefined) change.joined.push(member);
      else if (JSON.stringify(known) !== JSON.stringify(member)) change.changed.push(member);
    }
    return change;
  }
}
