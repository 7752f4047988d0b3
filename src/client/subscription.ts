import type { Member, MemberPage, Message, MessagePage, Published } from "../protocol/bodies.ts";
import type {
  MessageFrame,
  RosterFrame,
  SignalledFrame,
  SkippedFrame,
  SubscribedFrame,
} from "../protocol/server-frames.ts";
import { Emitter } from "./emitter.ts";
import { isLost, PASSING, RollcallError } from "./errors.ts";
import { isSkipped } from "./frames.ts";
import { LogPosition } from "./log-position.ts";
import type { PublishOptions } from "./publish-options.ts";
import { Roster, type RosterChange } from "./roster.ts";
import type { Timers } from "./timers.ts";
import { PAUSE_MS } from "./turns.ts";

export interface SubscribeOptions {
  /** Begin with so many of the newest messages. Needs the grant `history`. */
  rewind?: number;
  /** Only messages with these events. */
  events?: readonly string[];
}

/** What a subscription tells, by event name. */
export interface SubscriptionEvents {
  /** It stands: anew, again, or after something was missed and made good. */
  subscribed: { recovered: boolean };
  /** A message, in order and never twice. */
  message: Message;
  /** Messages were lost between the last one and the next. Told before anything later. */
  reset: { epoch: string; offset: number };
  signal: Omit<SignalledFrame, "type">;
  /** The roster changed; `roster` is already the new one. */
  members: RosterChange;
  /** It is over: given up, or refused with this error. */
  closed: RollcallError | undefined;
}

/** The connection, as a subscription needs it. */
export interface SubscriptionSetup {
  timers: Timers;
  ask<T extends object>(frame: object): Promise<T>;
  /** Likewise, when it is its turn, and if it is still wanted then. */
  askInTurn(frame: object, isWanted: () => boolean): Promise<object>;
  signal(event: string, data: unknown, channel: string): boolean;
  /** The same that the subscription tells. */
  heard(message: Message): void;
  /** It is over, and another one may begin. */
  over(error: RollcallError | undefined): void;
}

/** What `connection.subscribe` returns. */
export type Subscription = Omit<
  LiveSubscription,
  "opened" | "stands" | "told" | "rosterChanged" | "signalled" | "ended"
>;

/**
 * One channel that a user's own connection is subscribed to: it comes back with every session, goes on where it
 * stood, and asks again where something is missing.
 */
export class LiveSubscription {
  readonly channel: string;
  readonly #setup: SubscriptionSetup;
  readonly #options: SubscribeOptions;
  readonly #events = new Emitter<SubscriptionEvents>();
  readonly #position = new LogPosition();
  readonly #roster = new Roster();
  #isClosed = false;
  #isAsking = false;
  #cancelRetry: () => void = () => undefined;

  /** Use `connection.subscribe`. */
  constructor(channel: string, options: SubscribeOptions, setup: SubscriptionSetup) {
    this.channel = channel;
    this.#options = options;
    this.#setup = setup;
  }

  /** The members known, by user id. May be fewer than `memberCount`. */
  get roster(): ReadonlyMap<string, Member> {
    return this.#roster.members;
  }

  get memberCount(): number {
    return this.#roster.count;
  }

  /** Calls `handler` on each `event` until the returned function is called. */
  on<E extends keyof SubscriptionEvents>(
    event: E,
    handler: (payload: SubscriptionEvents[E]) => void,
  ): () => void {
    return this.#events.on(event, handler);
  }

  /** As `connection.publish`, to this channel. */
  publish(data: unknown, options: Omit<PublishOptions, "channel"> = {}): Promise<Omit<Published, "at">> {
    return this.#setup.ask({ type: "publish", ...options, channel: this.channel, data });
  }

  /** As `connection.signal`, to this channel. */
  signal(event: string, data?: unknown): boolean {
    return this.#setup.signal(event, data, this.channel);
  }

  /** One page of the members, as `connection.members`. */
  members(options: { cursor?: string; limit?: number } = {}): Promise<Omit<MemberPage, "sessions">> {
    return this.#setup.ask({ type: "members", ...options, channel: this.channel });
  }

  /** Stored messages, as `connection.history`. */
  history(options: { after?: number; before?: number; limit?: number } = {}): Promise<MessagePage> {
    return this.#setup.ask({ type: "history", ...options, channel: this.channel });
  }

  /** Gives it up, here at once. Rejects like `publish`, but not where the connection is not open: it ended with that. */
  async unsubscribe(): Promise<void> {
    if (this.#isClosed) return;
    this.#close(undefined);
    await this.#setup.ask({ type: "unsubscribe", channel: this.channel }).catch((error: unknown) => {
      if (!isLost(error)) throw error;
    });
  }

  /** A new session, or something may be missing: asks where it stands. */
  opened(): void {
    this.#cancelRetry();
    if (this.#isClosed || this.#isAsking) return;
    this.#isAsking = true;
    const { rewind, events } = this.#options;
    const { current } = this.#position;
    const frame = { type: "subscribe", channel: this.channel, ...current };
    const asked = { ...frame, ...(rewind !== undefined && { rewind }), ...(events && { events }) };
    this.#setup.askInTurn(asked, () => !this.#isClosed).catch((error: unknown) => this.#failed(error));
  }

  /** Answered, or told without being asked. */
  stands(frame: SubscribedFrame): void {
    this.#isAsking = false;
    if (this.#isClosed) return;
    const { epoch, offset, recovered, members = [], count, cursor } = frame;
    const { news, gap } = this.#position.stands(frame);
    if (gap !== undefined) this.#events.emit("reset", { epoch, offset });
    this.#events.emit("subscribed", { recovered });
    this.#events.emit("members", this.#roster.replace(members, count, cursor));
    for (const message of news) this.#hear(message);
  }

  /** A `message` frame. What lies beyond a gap comes again with the answer. */
  told(message: MessageFrame | SkippedFrame): void {
    const news = this.#position.take(message);
    if (news === "gap") this.opened();
    if (news === "new" && !isSkipped(message)) this.#hear(message);
  }

  rosterChanged(frame: RosterFrame): void {
    this.#events.emit("members", this.#roster.apply(frame));
  }

  signalled(frame: SignalledFrame): void {
    this.#events.emit("signal", frame);
  }

  /** The service has ended it, or the session is over where no error says so. */
  ended(error?: RollcallError): void {
    this.#cancelRetry();
    this.#isAsking = false;
    if (error !== undefined) this.#failed(error);
  }

  #hear(message: Message): void {
    this.#events.emit("message", message);
    this.#setup.heard(message);
  }

  #failed(error: unknown): void {
    this.#isAsking = false;
    if (!(error instanceof RollcallError)) throw error; // a bug: it surfaces as an unhandled rejection
    if (this.#isClosed || isLost(error)) return;
    if (!PASSING.has(error.code)) return this.#close(error);
    this.#cancelRetry = this.#setup.timers.after(error.retryAfterMs ?? PAUSE_MS, () => this.opened());
  }

  #close(error: RollcallError | undefined): void {
    this.#isClosed = true;
    this.#cancelRetry();
    this.#setup.over(error);
    this.#events.emit("closed", error);
  }
}
