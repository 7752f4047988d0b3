import type { Member, MemberPage, Message, MessagePage, Published } from "../protocol/bodies.ts";
import type { MessageFrame, SkippedFrame, SubscribedFrame, WelcomeFrame } from "../protocol/server-frames.ts";
import type { Position } from "./address.ts";
import type { ChannelEvents } from "./channel-events.ts";
import { type ChannelChange, type ChannelState, channelStep } from "./channel-state.ts";
import type { ConnectionEvents } from "./connection-events.ts";
import { Emitter } from "./emitter.ts";
import { isLost, PASSING, RollcallError } from "./errors.ts";
import { type IncomingFrame, isSkipped } from "./frames.ts";
import { LogPosition } from "./log-position.ts";
import type { PublishOptions } from "./publish-options.ts";
import { read } from "./reading.ts";
import { errorOf, type Question } from "./requests.ts";
import { Roster } from "./roster.ts";
import type { Timers } from "./timers.ts";
import { pause } from "./turns.ts";

/** Where to read in a log; `after` and `before` are exclusive. */
export interface HistoryQuery {
  after?: number;
  before?: number;
  /** 1-1000, default 100. */
  limit?: number;
  /** Which come first: the oldest of them, unless told otherwise. */
  order?: "asc" | "desc";
}

export interface ChannelOptions {
  /** Begin with so many of the newest messages. Needs the grant `history`. */
  rewind?: number | undefined;
  /** Only messages with these events. */
  events?: readonly string[];
  /**
   * `own`: a connection to this channel alone, for channels of many people. Without it the client's own connection
   * subscribes, as long as the service lets it.
   */
  connection?: "own";
}

/** What is told of here and by the connection. */
type Told = ChannelEvents & ConnectionEvents;
type ToldEvent = "message" | "members" | "gap" | "signal";

/** The connection, as its channels need it. Requests go where their channel is. */
export interface ChannelSetup {
  timers: Timers;
  /** Asks once; rejects with a `RollcallError`. */
  ask<T extends object>(frame: Question): Promise<T>;
  /** Works when it is its turn, and again for as long as it is too much at once. Rejects like `work`. */
  inTurn(work: () => Promise<void>): Promise<void>;
  /** Says it again until it is answered or refused. */
  say<T extends object>(frame: Question): Promise<T>;
  signal(event: string, data: unknown, to: { channel: string }): boolean;
  /** What a channel tells, its connection may tell as well. */
  tell<K extends ToldEvent>(event: K, payload: Told[K], channel: LiveChannel): void;
  /** The service wants a connection of its own for this channel. */
  move(channel: LiveChannel): void;
  /** It is over, and another one of its name may begin. */
  over(channel: LiveChannel, error: RollcallError | undefined): void;
}

/** One channel as its connection sees it; applications see it as `Channel`. */
export class LiveChannel {
  readonly name: string;
  readonly #options: ChannelOptions;
  /** A connection that is to this channel alone carries it: nobody has to subscribe. */
  isCarried = false;
  readonly #setup: ChannelSetup;
  readonly #events = new Emitter<ChannelEvents>();
  readonly #position = new LogPosition();
  readonly #roster = new Roster();
  #state: ChannelState = { name: "joining" };
  #isAsking = false;

  /** Use `client.channel`. */
  constructor(name: string, options: ChannelOptions, setup: ChannelSetup) {
    this.name = name;
    this.#options = options;
    this.#setup = setup;
  }

  get state(): ChannelState {
    return this.#state;
  }

  /** The members known, by user id, live. May be fewer than `count`. */
  get members(): ReadonlyMap<string, Member> {
    return this.#roster.members;
  }

  /** How many members the channel has. Large channels send this alone. */
  get count(): number {
    return this.#roster.count;
  }

  get rewind(): number | undefined {
    return this.#options.rewind;
  }

  /** Where to recover from; `undefined` before it stood anywhere. */
  get position(): Position | undefined {
    return this.#position.current;
  }

  on<K extends keyof ChannelEvents>(event: K, handler: (payload: ChannelEvents[K]) => void): () => void {
    return this.#events.on(event, handler);
  }

  publish(data: unknown, options?: PublishOptions): Promise<Omit<Published, "at">> {
    return this.#setup.say({ type: "publish", ...options, channel: this.name, data });
  }

  signal(event: string, data?: unknown): boolean {
    return this.#setup.signal(event, data, { channel: this.name });
  }

  history(options?: HistoryQuery): Promise<MessagePage> {
    return this.#setup.ask({ type: "history", ...options, channel: this.name });
  }

  listMembers(options?: { cursor?: string; limit?: number }): Promise<Omit<MemberPage, "sessions">> {
    return this.#setup.ask({ type: "members", ...options, channel: this.name });
  }

  [Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    return read(this, (query) => this.#setup.say({ type: "history", ...query, channel: this.name }));
  }

  async leave(): Promise<void> {
    if (this.#state.name === "closed") return;
    this.end();
    if (this.isCarried) return; // over with its connection
    await this.#setup.ask({ type: "unsubscribe", channel: this.name }).catch((error: unknown) => {
      if (!isLost(error)) throw error;
    });
  }

  /** A new session, or something may be missing: asks where it stands. */
  join(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.change({ type: "asked" });
    const { rewind, events } = this.#options;
    const ask = async () => {
      if (this.#state.name === "closed") return;
      await this.#setup.ask({ type: "subscribe", channel: this.name, ...this.position, rewind, events });
    };
    this.#setup.inTurn(ask).catch((error: unknown) => this.#failed(error));
  }

  /** Whether a frame was about this channel, and about nothing else. */
  received(frame: IncomingFrame): boolean {
    switch (frame.type) {
      case "welcome":
      case "subscribed":
        this.#stands(frame);
        return true;
      case "message":
        this.#heard(frame);
        return true;
      case "members":
        this.#tell("members", this.#roster.apply(frame));
        return true;
      case "signal":
        this.#tell("signal", frame);
        return true;
      case "error":
        this.#failed(errorOf(frame));
        return true;
      default:
        return false;
    }
  }

  /** For good. */
  end(error?: RollcallError): void {
    if (this.#state.name === "closed") return;
    if (error !== undefined) this.#events.emit("error", error);
    this.change({ type: "ended", error });
    this.#setup.over(this, error);
  }

  change(change: ChannelChange): void {
    const state = channelStep(this.#state, change);
    if (state === this.#state) return;
    this.#state = state;
    this.#events.emit("status", state);
  }

  /** Whether the application wants to hear it. */
  isWanted({ event }: Message): boolean {
    return this.#options.events?.includes(event) ?? true;
  }

  /** A welcome, the answer of `join`, or something had been missed on the way, and here it is. */
  #stands(frame: WelcomeFrame | SubscribedFrame): void {
    const { recovered = false, members = [], count = 0, cursor } = frame;
    this.#isAsking = false;
    const { news, gap } = this.#position.stands(frame);
    if (gap !== undefined) this.#tell("gap", gap);
    this.change({ type: "stands", recovered });
    this.#tell("members", this.#roster.replace(members, count, cursor));
    for (const message of news) this.#hear(message);
  }

  /** What lies beyond a gap comes again with the answer. */
  #heard(message: MessageFrame | SkippedFrame): void {
    const news = this.#position.take(message);
    if (news === "gap") this.join();
    if (news === "new" && !isSkipped(message)) this.#hear(message);
  }

  #hear(message: Message): void {
    if (this.isWanted(message)) this.#tell("message", message);
  }

  /** The service refused it, or has ended it. */
  #failed(error: unknown): void {
    this.#isAsking = false;
    if (!(error instanceof RollcallError)) throw error; // a bug: it surfaces as an unhandled rejection
    if (this.#state.name === "closed" || isLost(error)) return; // it was left meanwhile; or the next session asks
    if (error.code === "use_channel_connection" && !this.isCarried) this.#setup.move(this);
    else if (PASSING.has(error.code)) {
      this.change({ type: "lost", reason: error.message });
      void pause(this.#setup.timers, error.retryAfterMs).then(() => this.join());
    } else this.end(error);
  }

  /** A handler may have left just now: then nothing more is told. */
  #tell<K extends ToldEvent>(event: K, payload: Told[K]): void {
    if (this.#state.name === "closed") return;
    this.#events.emit(event, payload);
    this.#setup.tell(event, payload, this);
  }
}
