import type { LogPosition } from "../../src/objects/ports.ts";
import type { Message, Skipped } from "../../src/protocol/bodies.ts";
import { type ErrorFrame, type RosterFrame, SubscribedFrame } from "../../src/protocol/server-frames.ts";
import { RosterView } from "./roster-view.ts";

/** A channel as the client of a user connection knows it. */
interface View {
  position: LogPosition;
  readonly roster: RosterView;
}

type Asked =
  | { channel: string; is: "subscribe"; from: LogPosition | undefined }
  | { channel: string; is: "unsubscribe" };

/**
 * What one user connection is subscribed to, as its client was told: of each channel every message once and in
 * order, from where it asked or was told to begin, and a roster that its count agrees with.
 */
export class Subscribed {
  /** Those that it was told of, and that it has not given up. */
  readonly views = new Map<string, View>();
  /** When it last asked for each channel. */
  readonly triedAt = new Map<string, number>();
  /** Answers that gave what was missed. */
  recoveries = 0;
  readonly #asked = new Map<string, Asked>();
  readonly #wrong: (sentence: string) => void;
  readonly #delivered: (message: Message | Skipped) => void;
  #refs = 0;

  constructor(wrong: (sentence: string) => void, delivered: (message: Message | Skipped) => void) {
    this.#wrong = wrong;
    this.#delivered = delivered;
  }

  subscribe(channel: string, from: LogPosition | undefined, now: number): object {
    this.triedAt.set(channel, now);
    return this.#ask({ channel, is: "subscribe", from });
  }

  unsubscribe(channel: string): object {
    this.views.delete(channel); // what is still on its way is of no interest
    return this.#ask({ channel, is: "unsubscribe" });
  }

  /** Nothing that it asked for is without an answer. */
  get isSettled(): boolean {
    return this.#asked.size === 0;
  }

  stands(frame: SubscribedFrame): void {
    const parsed = SubscribedFrame.safeParse(frame);
    if (!parsed.success) return this.#wrong(`subscribed of the wrong shape: ${parsed.error.message}`);
    const { channel, epoch, offset, recovered, messages, members = [], count } = parsed.data;
    const asked = this.#takeAsked(frame.ref);
    if (frame.ref === undefined && !this.views.has(channel)) return; // given up a moment ago
    if (asked !== undefined && this.#isGivenUp(channel)) return;
    const from = asked?.is === "subscribe" ? asked.from : this.views.get(channel)?.position;
    if (from !== undefined && !recovered)
      this.#wrong(`subscription: ${channel} was not recovered from ${from.offset}`);
    if (recovered) this.recoveries += 1;
    const view = { position: { epoch, offset }, roster: new RosterView() };
    if (recovered && from !== undefined) view.position = { ...from };
    else if (messages.length > 0) this.#wrong("subscription: messages without being recovered");
    this.views.set(channel, view);
    for (const message of messages) this.told(message);
    this.#isRight(view.roster.shown(members, count), channel);
  }

  told(message: Message | Skipped): void {
    const view = this.views.get(message.channel);
    if (view === undefined) return;
    const { position } = view;
    if (message.offset !== position.offset + 1) {
      this.#wrong(
        `subscription: offset ${message.offset} of ${message.channel} came after ${position.offset}`,
      );
    }
    position.offset = message.offset;
    this.#delivered(message);
  }

  rosterChanged(frame: RosterFrame): void {
    this.#isRight(this.views.get(frame.channel)?.roster.changed(frame), frame.channel);
  }

  /** False where it is no answer of ours; `mayBeForbidden` says whether an order was a reason. */
  refused(frame: ErrorFrame, mayBeForbidden: (channel: string) => boolean): boolean {
    const asked = this.#takeAsked(frame.ref);
    const channel = asked?.channel ?? frame.channel;
    if (channel === undefined) return false;
    if (frame.code !== "unavailable" && !(frame.code === "forbidden" && mayBeForbidden(channel))) {
      this.#wrong(`subscription: ${channel} was refused with ${frame.code} ${frame.message}`);
    }
    // A check that failed leaves it subscribed; what is told without being asked, or forbidden, is its end.
    if (frame.ref === undefined || frame.code === "forbidden") this.views.delete(channel);
    return true;
  }

  /** False where it is no answer of ours. */
  answered(ref: unknown): boolean {
    return this.#takeAsked(ref) !== undefined;
  }

  #ask(asked: Asked): object {
    const ref = `sub ${++this.#refs}`;
    this.#asked.set(ref, asked);
    const { channel, is } = asked;
    return { type: is, channel, ref, ...(asked.is === "subscribe" ? asked.from : {}) };
  }

  #takeAsked(ref: unknown): Asked | undefined {
    const asked = typeof ref === "string" ? this.#asked.get(ref) : undefined;
    if (asked !== undefined) this.#asked.delete(String(ref));
    return asked;
  }

  /** An `unsubscribe` is on its way, or was answered before. */
  #isGivenUp(channel: string): boolean {
    return [...this.#asked.values()].some((asked) => asked.channel === channel && asked.is === "unsubscribe");
  }

  #isRight(wrong: string | undefined, channel: string): void {
    if (wrong !== undefined) this.#wrong(`subscription: ${wrong} in ${channel}`);
  }
}
