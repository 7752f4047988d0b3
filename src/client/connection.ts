import type { Member, MemberPage, MessagePage, Published } from "../protocol/bodies.ts";
import type { WelcomeFrame } from "../protocol/server-frames.ts";
import { welcomeWithinMs } from "./backoff.ts";
import { ChannelView } from "./channel-view.ts";
import type { ConnectionEvents } from "./connection-events.ts";
import { Emitter } from "./emitter.ts";
import { RollcallError } from "./errors.ts";
import type { IncomingFrame } from "./frames.ts";
import { HeardBroadcasts } from "./heard-broadcasts.ts";
import { type ConnectionInbox, Inbox } from "./inbox.ts";
import { Link } from "./link.ts";
import { type ConnectionPresence, LivePresence } from "./presence.ts";
import type { PublishOptions } from "./publish-options.ts";
import { Renewal } from "./renewal.ts";
import { errorOf, Requests } from "./requests.ts";
import { Sending, type SendOptions, type SentMessage } from "./sending.ts";
import type { Settings } from "./settings.ts";
import { type ConnectionEvent, type ConnectionState, step } from "./state.ts";
import type { SubscribeOptions, Subscription } from "./subscription.ts";
import { Subscriptions } from "./subscriptions.ts";
import { PAUSE_MS } from "./turns.ts";
import { unreachable } from "./unreachable.ts";
import { onWake } from "./wake.ts";

/** A connection that keeps itself alive until `close()` or until the service says to stay away. */
export class Connection {
  readonly #settings: Settings;
  readonly #events = new Emitter<ConnectionEvents>();
  readonly #requests: Requests;
  readonly #view: ChannelView;
  readonly #subscriptions: Subscriptions;
  readonly #presence: LivePresence;
  readonly #broadcasts = new HeardBroadcasts();
  readonly #inbox: Inbox;
  readonly #sending: Sending;
  readonly #stopListening: () => void;
  #state: ConnectionState = { name: "connecting", failures: 0 };
  #link: Link | undefined;
  #renewal: Renewal | undefined;
  #cancelRetry: (() => void) | undefined;
  #isChecking = false;

  /** Use `connect`. */
  constructor(settings: Settings) {
    this.#settings = settings;
    this.#requests = new Requests(settings.timers);
    this.#view = new ChannelView(settings.channel, this.#events, () => this.#checkLog());
    const asking = {
      timers: settings.timers,
      ask: <T extends object>(frame: object) => this.#ask<T>(frame),
      failed: (error: RollcallError) => this.#events.emit("error", error),
    };
    this.#subscriptions = new Subscriptions({
      ...asking,
      signal: (event, data, channel) => this.signal(event, data, { channel }),
      heard: (message) => this.#events.emit("message", message),
    });
    this.#presence = new LivePresence({
      ...asking,
      changed: (presence) => this.#events.emit("presence", presence),
    });
    this.#inbox = new Inbox({
      timers: settings.timers,
      isAutomatic: settings.acknowledge === "auto",
      tell: (message) => this.#events.emit("direct", message),
      say: (frame) => {
        if (this.#state.name === "open") this.#send(frame);
      },
    });
    this.#sending = new Sending(asking);
    this.#stopListening = onWake(() => this.check());
    this.#startLink(0);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The channel of this connection, where it has one. */
  get channel(): string | undefined {
    return this.#settings.channel;
  }

  /** The members known, by user id: on a channel connection, live. May be fewer than `memberCount`. */
  get roster(): ReadonlyMap<string, Member> {
    return this.#view.members;
  }

  /** How many members the channel has. Large channels send this alone. */
  get memberCount(): number {
    return this.#view.count;
  }

  /** What is said of this connection's user, and heard of others. */
  get presence(): ConnectionPresence {
    return this.#presence;
  }

  /** Direct messages to this user: how far there are some, and up to where this device is done with them. */
  get inbox(): ConnectionInbox {
    return this.#inbox;
  }

  /** Calls `handler` on each `event` until the returned function is called. */
  on<E extends keyof ConnectionEvents>(
    event: E,
    handler: (payload: ConnectionEvents[E]) => void,
  ): () => void {
    return this.#events.on(event, handler);
  }

  /**
   * Publishes `data`, any JSON, to the channel; resolves once it is stored. Rejects with a
   * `RollcallError`: a code of the service, `not_connected`, `connection_lost`, `timed_out` or
   * `too_many_pending`. After `connection_lost` and `timed_out` it may have been published; say `key` to
   * repeat it safely.
   */
  publish(data: unknown, options: PublishOptions = {}): Promise<Omit<Published, "at">> {
    return this.#ask({ type: "publish", ...this.#inChannel(options), data });
  }

  /**
   * Sends something ephemeral to whoever is there: never stored, never answered, and worth nothing later.
   * So where the connection is not open it is dropped, and the answer is `false`.
   */
  signal(event: string, data?: unknown, to: { channel?: string; user?: string } = {}): boolean {
    if (this.#state.name !== "open") return false;
    const target = to.user === undefined ? this.#inChannel(to) : { user: to.user };
    this.#send({ type: "signal", ...target, event, data });
    return true;
  }

  /**
   * Subscribes to a channel until `unsubscribe`, across reconnects; the same again while it lasts. On a user's own
   * connection only. What comes of it the subscription tells: `subscribed`, or `closed` with the error.
   */
  subscribe(channel: string, options: SubscribeOptions = {}): Subscription {
    return this.#subscriptions.subscribe(channel, options);
  }

  /**
   * Sends a direct message to all devices of `user`, on a user's own connection; resolves once it is stored. Until
   * then it is said again under its key, through lost connections too. Rejects with a code of the service that
   * refuses it, with the last error of ten tries, or with `connection_lost` where the connection is closed.
   */
  send(user: string, data: unknown, options: SendOptions = {}): Promise<SentMessage> {
    return this.#sending.send(user, data, options);
  }

  /** One page of a channel's members, at most `limit` (1-1000, default 100). Rejects like `publish`. */
  members(
    options: { channel?: string; cursor?: string; limit?: number } = {},
  ): Promise<Omit<MemberPage, "sessions">> {
    return this.#ask({ type: "members", ...this.#inChannel(options) });
  }

  /**
   * Stored messages of a channel by offset; `after` and `before` are exclusive, `limit` 1-1000, default
   * 100. Rejects like `publish`.
   */
  history(
    options: { channel?: string; after?: number; before?: number; limit?: number } = {},
  ): Promise<MessagePage> {
    return this.#ask({ type: "history", ...this.#inChannel(options) });
  }

  /** Makes sure now: says `ping` on an open connection, and does not wait any longer on one that waits. */
  check(): void {
    this.#link?.check();
    this.#advance({ type: "hurry", at: this.#settings.timers.now() });
  }

  /** Ends the connection for good. Requests under way reject with `connection_lost`. */
  close(reason = "closed by the client"): void {
    this.#advance({ type: "ended", reason });
  }

  #inChannel<T extends { channel?: string }>(options: T): T {
    const { channel } = this.#settings;
    return channel === undefined ? options : { channel, ...options };
  }

  #ask<T extends object>(frame: object): Promise<T> {
    if (this.#state.name !== "open") {
      return Promise.reject(new RollcallError("not_connected", `the connection is ${this.#state.name}`));
    }
    return this.#requests.ask<T>(frame, (asked) => this.#send(asked));
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
        failed: (error) => this.#events.emit("error", error),
        passed: (direction, text) => this.#events.emit("frame", { direction, text, at: timers.now() }),
        lost: (loss) => this.#advance({ type: "lost", loss, at: timers.now(), random: random() }),
      },
      { position: this.#view.position, withinMs: welcomeWithinMs(failures) },
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
        this.#startLink(state.failures);
        break;
      case "open":
        // First of all, and before anybody hears of it: until then others see a session that says nothing.
        this.#presence.opened();
        this.#subscriptions.opened();
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
        this.#stopListening();
        break;
      default:
        unreachable(state);
    }
    this.#events.emit("status", state);
  }

  #leaveLink(reason: string): void {
    this.#renewal?.stop();
    this.#link?.drop(1000, reason);
    this.#link = undefined;
    this.#requests.rejectAll(reason);
  }

  #receive(frame: IncomingFrame): void {
    const isAnswer = (frame.type === "subscribed" || frame.type === "error") && this.#requests.settle(frame);
    if (frame.type === "error" && isAnswer) return;
    if (this.#subscriptions.received(frame)) return;
    switch (frame.type) {
      case "welcome":
        this.#welcomed(frame);
        break;
      case "subscribed":
        this.#view.stands(frame);
        break;
      case "message":
        this.#view.deliver(frame);
        break;
      case "members":
        this.#view.changed(frame);
        break;
      case "presence": {
        const { type: _type, ...presence } = frame;
        this.#presence.heard(presence);
        break;
      }
      case "direct": {
        const { type: _type, ...message } = frame;
        this.#inbox.heard(message);
        break;
      }
      case "signal":
        this.#events.emit("signal", frame);
        break;
      case "broadcast": {
        const { type: _type, ...broadcast } = frame;
        if (this.#broadcasts.isNew(frame.id)) this.#events.emit("broadcast", broadcast);
        break;
      }
      case "closing":
        this.#events.emit("closing", frame);
        break;
      case "ok":
        this.#requests.settle(frame);
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
    const { session, user } = welcome;
    this.#advance({ type: "welcomed", session, user, at: this.#settings.timers.now() });
    this.#startRenewal(welcome.expiresAt);
    if (welcome.inbox !== undefined) this.#inbox.welcomed(welcome.inbox);
    this.#events.emit("welcome", welcome);
    this.#view.stands(welcome);
  }

  /** Something lies between what was seen and what came: the service tells it again, one question at a time. */
  #checkLog(): void {
    if (this.#isChecking) return;
    this.#isChecking = true;
    this.#ask({ type: "subscribe", ...this.#view.position })
      .catch((error: unknown) => {
        if (!(error instanceof RollcallError)) throw error; // a bug: it surfaces as an unhandled rejection
        if (this.#state.name !== "open") return; // the next welcome recovers it
        this.#settings.timers.after(error.retryAfterMs ?? PAUSE_MS, () => this.#checkLog());
      })
      .finally(() => {
        this.#isChecking = false;
      });
  }

  /** A fixed token cannot be renewed; a handler of `status` may have closed the connection just now. */
  #startRenewal(expiresAt: number): void {
    const { token, timers, random } = this.#settings;
    if (typeof token === "string" || this.#state.name !== "open") return;
    this.#renewal?.stop();
    this.#renewal = new Renewal({
      timers,
      random,
      expiresAt,
      fetchToken: token,
      present: (fresh) => this.#ask({ type: "auth", token: fresh }),
      failed: (error) => this.#events.emit("error", error),
    });
  }
}
