import type { Member } from "../protocol/bodies.ts";
import type { MessageFrame, RosterFrame, SkippedFrame, WelcomeFrame } from "../protocol/server-frames.ts";
import type { Position } from "./address.ts";
import type { ConnectionEvents } from "./connection-events.ts";
import type { Emitter } from "./emitter.ts";
import { isSkipped } from "./frames.ts";
import { LogPosition } from "./log-position.ts";
import { Roster } from "./roster.ts";

/** A channel as one connection knows it: who is there, and how far its log was seen. Tells what is news. */
export class ChannelView {
  readonly #channel: string | undefined;
  readonly #events: Emitter<ConnectionEvents>;
  readonly #roster = new Roster();
  readonly #position = new LogPosition();

  constructor(channel: string | undefined, events: Emitter<ConnectionEvents>) {
    this.#channel = channel;
    this.#events = events;
  }

  get members(): ReadonlyMap<string, Member> {
    return this.#roster.members;
  }

  get count(): number {
    return this.#roster.count;
  }

  /** Where to recover from; `undefined` before the first welcome. */
  get position(): Position | undefined {
    return this.#position.current;
  }

  welcomed(welcome: WelcomeFrame): void {
    const { members = [], count, cursor } = welcome;
    if (count !== undefined) this.#events.emit("members", this.#roster.replace(members, count, cursor));
    for (const message of this.#position.welcomed(welcome)) this.#events.emit("message", message);
  }

  changed(frame: RosterFrame): void {
    this.#events.emit("members", this.#roster.apply(frame));
  }

  deliver(message: MessageFrame | SkippedFrame): void {
    // Only this connection's own channel has a position: offsets of another one mean something else.
    const isOwn = message.channel === this.#channel;
    if (isOwn && !this.#position.advance(message.offset)) return;
    if (!isSkipped(message)) this.#events.emit("message", message);
  }
}
