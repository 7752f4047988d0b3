import type { Member } from "../../src/protocol/bodies.ts";
import type { RosterFrame } from "../../src/protocol/server-frames.ts";
import type { Kind } from "./fault-table.ts";

/** Who is in a channel, as one client was told: every member, or how many there are where there are too many. */
export class RosterView {
  readonly members = new Map<string, Member>();
  #count = 0;
  #isWhole = true;

  /** How many, as it was told last. */
  get count(): number {
    return this.#count;
  }

  /** Each member is known; false where frames said only how many there are. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** All of it, anew. Returns what is wrong. */
  shown(members: readonly Member[], count: number): string | undefined {
    this.members.clear();
    for (const member of members) this.members.set(member.user, member);
    this.#isWhole = true;
    return this.#countIs(count);
  }

  /**
   * One frame of changes. Returns what is wrong. A relay shows a newcomer where its channel stands, and then tells all
   * that leads there, to everybody: meanwhile the count is that of an earlier roster.
   */
  changed({ joined, changed, left, count }: RosterFrame, by: Kind = "channel"): string | undefined {
    if (joined === undefined && changed === undefined && left === undefined) this.#isWhole = false;
    for (const member of [...(joined ?? []), ...(changed ?? [])]) this.members.set(member.user, member);
    for (const { user } of left ?? []) this.members.delete(user);
    const wrong = this.#countIs(count);
    return by === "relay" ? undefined : wrong;
  }

  #countIs(count: number): string | undefined {
    this.#count = count;
    if (!this.#isWhole || count === this.members.size) return undefined;
    return `told of ${this.members.size} members and a count of ${count}`;
  }
}
