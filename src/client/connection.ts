import type { Member, MemberPage, MessagePage, Published } from "../protocol/bodies.ts";
import type { WelcomeFrame } from "../protocol/server-frames.ts";
import { welcomeWithinMs } from "./backoff.ts";
import type { ChannelOptions, HistoryQuery, LiveChannel } from "./channel.ts";
import { Channels, type ChannelsSetup } from "./channels.ts";
import type { ConnectionEvents } from "./connection-events.ts";
import { Emitter } from "./emitter.ts";
import { RollcallError } from "./errors.ts";
import type { IncomingFrame } from "./frames.ts";
import { HeardBroadcasts } from "./heard-broadcasts.ts";
import { type ConnectionInbox, Inbox, type InboxSetup } from "./inbox.ts";
import { Link } from "./link.ts";
import { type ConnectionPresence, LivePresence, type PresenceSetup } from "./presence.ts";
import type { PublishOptions } from "./publish-options.ts";
import { Renewal } from "./renewal.ts";
import { errorOf, type Question, Requests } from "./requests.ts";
import type { SaidStatus } from "./said-status.ts";
import { Sending, type SendingSetup, type SendOptions, type SentMessage } from "./sending.ts";
import type { Settings } from "./settings.ts";
import { type ConnectionEvent, type ConnectionState, step } from "./state.ts";
import { onWake } from "./wake.ts";

/** A connection, as its parts know it. */
type Port = Settings & SendingSetup & InboxSetup & PresenceSetup & ChannelsSetup<LiveConnection>;

/** A connection that keeps itself alive; applications see it as `Connection`, typed by their own events. */
export class LiveConnection {
  readonly #settings: Settings;
  readonly #events = new Emitter<ConnectionEvents>();
  readonly #port: Port;
  readonly #requests: Requests;
  readonly #channels: Channels<LiveConnection>;
  readonly #presence: LivePresence;
  readonly #broadcasts = new HeardBroadcasts();
  readonly #inbox: Inbox;
  readonly #sending: Sending;
  readonly #stopListening: () => void;
  #state: ConnectionState = { name: "connecting", failures: 0 };
  #link: Link | undefined;
  #renewal: Renewal | undefined;
  #cancelRetry: (() => void) | undefined;

  /** Use `connect`. A channel that has `moved` was another connection's, and goes on here. */
  constructor(settings: Settings, moved?: LiveChannel, said?: SaidStatus) {
    this.#settings = settings;
    const { timers, channel: name, rewind } = settings;
    this.#requests = new Requests(timers);
    this.#port = {
      ...settings,
      emit: (event, payload) => this.#events.emit(event, payload),
      ask: (frame) => this.#ask(frame),
      say: (frame) => this.#sending.say(frame),
      signal: (event, data, to) => this.signal(event, data, to),
      tell: (frame) => {
        if (this.#state.name === "open") this.#send(frame);
      },
      connect: (channel) => this.#connectTo(channel),
      close: () => this.close(),
    };
    this.#sending = new Sending(this.#port);
    this.#channels = new Channels(this.#port, name, rewind, moved);
    this.#presence = new LivePresence(this.#port, said);
    this.#inbox = new Inbox(this.#port);
    this.#stopListening = onWake(() => this.check());
    this.#startLink(0);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The name of the channel that this connection is to, where it is to one. */
  get channelName(): string | undefined {
    return this.#settings.channel;
  }

  /** The members known, by user id: on a channel connection, live. May be fewer than `memberCount`. */
  get roster(): ReadonlyMap<string, Member> {
    return this.#channels.home?.members ?? new Map();
  }

  /** How many members the channel has. Large channels send this alone. */
  get memberCount(): number {
    return this.#channels.home?.count ?? 0;
  }

  /** What is said of this connection's user, and heard of others. */
  get presence(): ConnectionPresence {
    return this.#presence;
  }

  /** Direct messages to this user: how far there are some, and up to where this device is done with them. */
  get inbox(): ConnectionInbox {
    return this.#inbox;
  }

  on<K extends keyof ConnectionEvents>(
    event: K,
    handler: (payload: ConnectionEvents[K]) => void,
  ): () => void {
    return this.#events.on(event, handler);
  }

  channel(name: string, options: ChannelOptions = {}): LiveChannel {
    const channel = this.#channels.open(name, options);
    if (this.#state.name === "closed") this.#channels.closed(this.#state);
    return channel;
  }

  subscribe(name: string, options?: ChannelOptions): LiveChannel {
    return this.channel(name, options);
  }

  publish(data: unknown, options?: PublishOptions): Promise<Omit<Published, "at">> {
    return this.#sending.say({ type: "publish", ...this.#inChannel(options), data });
  }

  signal(event: string, data?: unknown, to: { channel?: string; user?: string } = {}): boolean {
    const own = this.#channels.own.get(to.channel);
    if (own !== undefined) return own.signal(event, data, to);
    if (this.#state.name !== "open" || this.#link?.isCongested) return false;
    const target = to.user === undefined ? this.#inChannel(to) : { user: to.user };
    this.#send({ type: "signal", ...target, event, data });
    return true;
  }

  /**
   * Sends a direct message to all devices of `user`, on a user's own connection; resolves once it is stored. Until
   * then it is said again under its key, through lost connections too. Rejects with a code of the service that
   * refuses it, with the last error of ten tries, or with `connection_lost` where the connection is closed.
   */
  send(user: string, data: unknown, options?: SendOptions): Promise<SentMessage> {
    return this.#sending.say({ ...options, type: "send", user, data });
  }

  /** One page of a channel's members, at most `limit` (1-1000, default 100). Rejects like `publish`. */
  members(options?: {
    channel?: string;
    cursor?: string;
    limit?: number;
  }): Promise<Omit<MemberPage, "sessions">> {
    return this.#ask({ type: "members", ...this.#inChannel(options) });
  }

  /**
   * Stored messages of a channel by offset; `after` and `before` are exclusive, `limit` 1-1000, default
   * 100. Rejects like `publish`.
   */
  history(options?: HistoryQuery & { channel?: string }): Promise<MessagePage> {
    return this.#ask({ type: "history", ...this.#inChannel(options) });
  }

  /** Makes sure now: says `ping` on an open connection, and does not wait any longer on one that waits. */
  check(): void {
    for (const own of this.#channels.own.values()) own.check();
    this.#link?.check();
    this.#advance({ type: "hurry", at: this.#settings.timers.now() });
  }

  /** Ends the connection for good. Requests under way reject with `connection_lost`. */
  close(reason = "closed"): void {
    this.#advance({ type: "ended", reason });
  }

  /** What names no channel is for that of this connection, where it has one. */
  #inChannel<T extends object>(options: T | undefined): T & { channel?: string | undefined } {
    return { channel: this.#settings.channel, ...options } as T;
  }

  #ask<T extends object>(frame: Question): Promise<T> {
    const own = this.#channels.own.get(frame.channel);
    if (own !== undefined) return own.#ask(frame);
    if (frame.type === "presence" && frame.scope !== "user") {
      // Each of its sessions says the same, or it would be online by one of them; one that is lost says it later.
      for (const other of this.#channels.own.values()) other.#ask(frame).catch(() => undefined);
    }
    if (this.#state.name !== "open") {
      return Promise.reject(new RollcallError("not_connected", this.#state.name));
    }
    return this.#requests.ask<T>(frame, (asked) => this.#send(asked));
  }

  /** The channel goes on there. What waits to be sent may be for it. */
  #connectTo(channel: LiveChannel): LiveConnection {
    const { name, rewind } = channel;
    const own = new LiveConnection(
      { ...this.#settings, channel: name, rewind },
      channel,
      this.#presence.said,
    );
    own.on("error", (error) => this.#events.emit("error", error));
    own.on("status", () => this.#sending.opened());
    return own;
  }

  #send(frame: object): void {
    this.#link?.send(JSON.stringify(frame));
  }

  #startLink(failures: number): void {
    const { timers, random } = this.#settings;
    this.#link = new Link(
      this.#settings,
      {
        received: (frame) => this.#receive(frame),
        ...this.#port,
        lost: (loss) => this.#advance({ type: "lost", loss, at: timers.now(), random: random() }),
      },
      { position: this.#channels.home?.position, withinMs: welcomeWithinMs(failures) },
    );
  }

  /** Takes a step, and carries out what the new state asks for. */
  #advance(event: ConnectionEvent): void {
    const state = step(this.#state, event);
    if (state === this.#state) return;
    this.#state = state;
    this.#cancelRetry?.();
    switch (state.name) {
      case "connecting":
        this.#channels.home?.change({ type: "asked" });
        this.#startLink(state.failures);
        break;
      case "open":
        // First of all, and before anybody hears of it: until then others see a session that says nothing.
        this.#presence.opened();
        this.#channels.opened();
        this.#sending.opened();
        break;
      case "waiting":
        this.#leaveLink(state.reason);
        this.#cancelRetry = this.#settings.timers.after(state.retryAt - this.#settings.timers.now(), () =>
          this.#advance({ type: "due" }),
        );
        break;
      case "closed":
        this.#leaveLink(state.reason);
        this.#sending.closed();
        this.#channels.closed(state);
        this.#stopListening();
        break;
      default:
        state satisfies never;
    }
    this.#events.emit("status", state);
  }

  #leaveLink(reason: string): void {
    this.#renewal?.stop();
    this.#link?.drop(1000, reason);
    this.#link = undefined;
    this.#requests.rejectAll(reason);
    this.#channels.lost(reason);
  }

  #receive(frame: IncomingFrame): void {
    const isAnswer = "ref" in frame && this.#requests.settle(frame);
    if (
      frame.type === "error" ? isAnswer : frame.type === "subscribed" && frame.ref !== undefined && !isAnswer
    )
      return;
    if (frame.type !== "welcome" && this.#channels.received(frame)) return;
    switch (frame.type) {
      case "welcome":
        this.#welcomed(frame);
        break;
      case "presence":
        this.#presence.heard(bare(frame));
        break;
      case "direct":
        this.#inbox.heard(bare(frame));
        break;
      case "signal":
        this.#events.emit("signal", frame);
        break;
      case "broadcast":
        if (this.#broadcasts.isNew(frame.id)) this.#events.emit("broadcast", bare(frame));
        break;
      case "closing":
        this.#events.emit("closing", frame);
        break;
      case "error":
        this.#events.emit("error", errorOf(frame));
        break;
      default:
        // `probe` is the link's affair; what a newer server may say beyond that is not for us.
        break;
    }
  }

  #welcomed(welcome: WelcomeFrame): void {
    this.#advance({ ...welcome, type: "welcomed", at: this.#settings.timers.now() });
    this.#startRenewal(welcome.expiresAt);
    if (welcome.inbox !== undefined) this.#inbox.welcomed(welcome.inbox);
    this.#events.emit("welcome", welcome);
    this.#channels.home?.received(welcome);
  }

  /** A fixed token cannot be renewed; a handler of `status` may have closed the connection just now. */
  #startRenewal(expiresAt: number): void {
    const { token } = this.#settings;
    if (typeof token === "string" || this.#state.name !== "open") return;
    this.#renewal?.stop();
    this.#renewal = new Renewal({
      ...this.#port,
      expiresAt,
      present: (fresh) => this.#ask({ type: "auth", token: fresh }),
    });
  }
}

/** What a frame says, without what kind of frame it is. */
function bare<T extends { type: string }>({ type: _type, ...said }: T): Omit<T, "type"> {
  return said;
}
