import type { Member } from "../protocol/bodies.ts";
import type {
  MessageFrame,
  RosterFrame,
  SkippedFrame,
  SubscribedFrame,
  WelcomeFrame,
} from "../protocol/server-frames.ts";
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
  readonly #check: () => void;

  /** `check` asks the service what was missed. */
  constructor(channel: string | undefined, events: Emitter<ConnectionEvents>, check: () => void) {
    this.#channel = channel;
    this.#events = events;
    this.#check = check;
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

  /** A welcome, or the answer to a check. */
  stands(frame: WelcomeFrame | SubscribedFrame): void {
    const { members = [], count, cursor } = frame;
    if (count !== undefined) this.#events.emit("members", this.#roster.replace(members, count, cursor));
    const { news, gap } = this.#position.stands(frame);
    if (gap !== undefined) this.#events.emit("gap", gap);
    for (const message of news) this.#events.emit("message", message);
  }

  changed(frame: RosterFrame): void {
    this.#events.emit("members", this.#roster.apply(frame));
  }

  deliver(message: MessageFrame | SkippedFrame): void {
    if (message.channel !== this.#channel) return; // of a subscription that was given up a moment ago
    const news = this.#position.take(message);
    if (news === "gap") this.#check();
    if (news === "new" && !isSkipped(message)) this.#events.emit("message", message);
  }
}
