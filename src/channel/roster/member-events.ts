import { eventId } from "../../events/event-id.ts";
import type { NewEvent } from "../../events/queue-text.ts";
import type { Clock } from "../../objects/ports.ts";
import type { Member } from "../../protocol/bodies.ts";
import type { EventType } from "../../protocol/events.ts";
import type { OccupiedTable } from "./occupied-table.ts";
import type { MembershipChange } from "./roster.ts";

/**
 * Who came and went, as back ends are told: hidden members too. All of one turn is one row. An id follows from when
 * the member joined, so that a leave which a crash makes again is the same event.
 */
export class MemberEvents {
  readonly #clock: Clock;
  readonly #channel: string;
  readonly #occupied: OccupiedTable;
  readonly #add: (events: readonly NewEvent[]) => void;
  #noted: NewEvent[] = [];
  /** Of the last event: microseconds, so that a burst is over before a crash can be, and its versions behind it. */
  #version = 0;

  constructor(
    clock: Clock,
    channel: string,
    occupied: OccupiedTable,
    add: (events: readonly NewEvent[]) => void,
  ) {
    this.#clock = clock;
    this.#occupied = occupied;
    this.#channel = channel;
    this.#add = add;
  }

  note(change: MembershipChange): void {
    const { is, members } = change;
    if (is === "joined" && members === 1) this.#turn(true, change);
    this.#note(`member.${is}`, change);
    if (is === "left" && members === 0) this.#turn(false, change);
  }

  /** These may have come without a word, and the first of them may have made the channel occupied. */
  recall(members: readonly Member[]): void {
    const inOrder = [...members].sort((a, b) => a.joinedAt - b.joinedAt);
    const [first] = inOrder;
    const isUntold = first !== undefined && !this.#occupied.read();
    if (isUntold) this.#turn(true, { is: "joined", member: first, members: 1 });
    for (const member of inOrder)
      this.#note("member.joined", { is: "joined", member, members: members.length });
    this.flush();
  }

  /** The channel is occupied, or vacated: in the turn in which it is told. */
  #turn(isOccupied: boolean, change: MembershipChange): void {
    if (this.#occupied.read() === isOccupied) return; // known already
    this.#occupied.write(isOccupied);
    this.#note(isOccupied ? "channel.occupied" : "channel.vacated", change);
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
