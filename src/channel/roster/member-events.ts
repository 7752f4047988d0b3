import { eventId } from "../../events/event-id.ts";
import type { NewEvent } from "../../events/queue-text.ts";
import type { Clock } from "../../objects/ports.ts";
import type { Member } from "../../protocol/bodies.ts";
import type { EventType } from "../../protocol/events.ts";
import type { MembershipChange } from "./roster.ts";

/**
 * Who came and went, as back ends are told: hidden members too. All of one turn is one row. An id follows from when
 * the member joined, so that a leave which a crash makes again is the same event.
 */
export class MemberEvents {
  readonly #clock: Clock;
  readonly #channel: string;
  readonly #add: (events: readonly NewEvent[]) => void;
  #noted: NewEvent[] = [];
  /** Of the last event: microseconds, so that a burst is over before a crash can be, and its versions behind it. */
  #version = 0;

  constructor(clock: Clock, channel: string, add: (events: readonly NewEvent[]) => void) {
    this.#clock = clock;
    this.#channel = channel;
    this.#add = add;
  }

  note(change: MembershipChange): void {
    const { is, members } = change;
    if (is === "joined" && members === 1) this.#note("channel.occupied", change);
    this.#note(`member.${is}`, change);
    if (is === "left" && members === 0) this.#note("channel.vacated", change);
  }

  /** These may have come without a word; `isAll`: nobody else is here, so that nobody else made the channel occupied. */
  recall(members: readonly Member[], isAll: boolean): void {
    const inOrder = [...members].sort((a, b) => a.joinedAt - b.joinedAt);
    for (const [i, member] of inOrder.entries()) {
      this.note({ is: "joined", member, members: isAll ? i + 1 : members.length + 1 });
    }
    this.flush();
  }

  /** At the end of a change, in its turn. */
  flush(): void {
    if (this.#noted.length === 0) return;
    const events = this.#noted;
    this.#noted = [];
    this.#add(events);
  }

  #note(type: EventType, { member }: MembershipChange): void {
    const at = this.#clock.now();
    this.#version = Math.max(at * 1000, this.#version + 1);
    const channel = this.#channel;
    const about = type.startsWith("member.") ? { member } : {};
    this.#noted.push({
      ...{ id: eventId(type, channel, member.user, member.joinedAt), type, at },
      dataJson: JSON.stringify({ channel, ...about, version: this.#version }),
    });
  }
}
