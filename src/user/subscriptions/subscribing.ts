import { mayUseChannel } from "../../auth/grants.ts";
import type { Settings } from "../../config.ts";
import type { Connection } from "../../connections/connection.ts";
import type { Connections } from "../../connections/connections.ts";
import { sendError } from "../../connections/incoming.ts";
import { Outbox } from "../../objects/outbox.ts";
import type { EndReason, MemberState, Ports } from "../../objects/ports.ts";
import type {
  Delivery,
  DeliveryAnswer,
  Subscribed,
  Unsubscribed,
  UnsubscribeRequest,
} from "../../objects/subscribing.ts";
import type { Capability } from "../../protocol/claims.ts";
import { isRefusal, type Refusal, refusal } from "../../protocol/codes.ts";
import { memberOf } from "../presence/presence.ts";
import type { SessionRow } from "../presence/session-table.ts";
import type { Standing } from "../presence/standing.ts";
import { Positions } from "./positions.ts";
import { Reader, type ReaderRules, type Wanted } from "./reader.ts";
import { SubscribeFrames } from "./subscribe-frames.ts";
import type { SettledSubscription } from "./subscription-audit.ts";
import type { Subscription } from "./subscription-table.ts";
import { type SubscriptionDebt, Subscriptions } from "./subscriptions.ts";
import { Reading } from "./unread.ts";

/** The contract: subscribe again, a moment later. */
const AGAIN_AFTER_MS = 1_000;

interface About {
  name: string;
  connections: Connections;
  standing: Standing;
}

interface SubscribingRules {
  settled(): void;
  /** A channel was told this of the user when the session was subscribed. */
  subscribed(channel: string, member: MemberState): void;
}

/**
 * What the sessions of this user are subscribed to. A row comes first, then the channel is asked; so whatever
 * dies in between leaves a row whose session is over, which is the debt to tell the channel so.
 */
export class Subscribing {
  readonly outbox: Outbox<SubscriptionDebt>;
  readonly frames: SubscribeFrames;
  readonly #ports: Ports;
  readonly #settings: Settings;
  readonly #about: About;
  readonly #rules: SubscribingRules;
  readonly #subscriptions: Subscriptions;
  readonly #reading: Reading;
  /** In memory: a reader is rebuilt from row and attachment, and what it waits for keeps the object awake. */
  readonly #readers = new WeakMap<Connection, { positions: Positions; byChannel: Map<string, Reader> }>();
  /** Subscriptions that are being given up: nothing more is sent for them. */
  readonly #leaving = new Set<string>();

  constructor(ports: Ports, settings: Settings, about: About, rules: SubscribingRules) {
    this.#ports = ports;
    this.#settings = settings;
    this.#about = about;
    this.#rules = rules;
    const isLive = (session: string) => this.#sessionOf(session)?.endedAt === null;
    this.#subscriptions = new Subscriptions(ports.sql, ports.clock, isLive);
    this.frames = new SubscribeFrames(
      this,
      (connection) => about.connections.find(connection.session) === connection,
    );
    this.#reading = new Reading(ports);
    this.outbox = new Outbox(
      ports,
      this.#subscriptions,
      { to: laneOf, pay: (debts) => this.#pay(debts) },
      (id) => {
        this.#subscriptions.settle(id);
        this.outbox.forget(id);
      },
      "subscriptions",
    );
  }

  /** Whether some session is subscribed: other members can see it. */
  get areAny(): boolean {
    return this.#subscriptions.areAny;
  }

  get size(): number {
    return this.#subscriptions.live().length;
  }

  /** The sessions that are subscribed to each channel. */
  sessionsByChannel(): Map<string, string[]> {
    const all = Map.groupBy(this.#subscriptions.live(), ({ channel }) => channel);
    return new Map([...all].map(([channel, rows]) => [channel, rows.map(({ session }) => session)]));
  }

  /** A connection was welcomed: a stream is subscribed to the channels that its address names. */
  welcomed(connection: Connection, channels: readonly string[] = []): void {
    if (channels.length > 0) this.#ports.background.run(this.frames.begin(connection, channels));
  }

  /** Subscribes this session, or checks that it has missed nothing; what came of it is sent, the refusal returned. */
  async subscribe(
    connection: Connection,
    { channel, events, ...wanted }: Wanted & { channel: string; events?: string[] },
  ): Promise<Refusal | undefined> {
    const refused = this.#refusalOf(connection, channel, wanted.rewind);
    if (refused !== undefined) return refused;
    const wasOn = this.#subscriptions.find(connection.session, channel) !== undefined;
    const subscription = this.#subscriptions.put(connection.session, channel, events);
    const reader = this.#readerOf(connection, subscription);
    try {
      const answer = await reader.ask(wanted);
      if (answer !== undefined && (!wasOn || answer.code === "session_gone"))
        this.#drop(connection, subscription);
      return answer?.code === "session_gone" ? unavailable() : answer;
    } catch (cause) {
      this.#ports.log.warn("channel did not answer", { session: connection.session }, cause);
      if (!wasOn) {
        this.#stop(connection, subscription);
        this.#subscriptions.end(subscription, "unsubscribed");
      }
      return unavailable();
    } finally {
      this.#rules.settled();
    }
  }

  /** Ends it at once; where the channel does not answer it is owed. */
  async unsubscribe(connection: Connection, channel: string): Promise<void> {
    const subscription = this.#subscriptions.find(connection.session, channel);
    if (subscription === undefined) return;
    this.#stop(connection, subscription);
    this.#leaving.add(keyOf(subscription));
    try {
      await this.#ports.objects.channel(channel).unsubscribe(this.#overOf(subscription, "unsubscribed"));
      this.#subscriptions.delete(subscription);
    } catch (cause) {
      this.#ports.log.warn("channel did not answer", { session: connection.session }, cause);
      this.#subscriptions.end(subscription, "unsubscribed");
    }
    this.#leaving.delete(keyOf(subscription));
    this.#rules.settled();
  }

  /** From a channel: to each of our sessions that reads it. */
  deliver(delivery: Delivery): DeliveryAnswer {
    const gone = this.#subscriptions.goneOf(delivery.channel, delivery.sessions);
    for (const subscription of this.#subscriptions.live()) {
      const connection = this.#about.connections.find(subscription.session);
      if (subscription.channel !== delivery.channel || connection === undefined) continue;
      if (!this.#leaving.has(keyOf(subscription))) this.#readerOf(connection, subscription).take(delivery);
    }
    return { gone };
  }

  /** Of these, those that are none of ours and not on their way out. */
  unclaimed(channel: string, sessions: Readonly<Record<string, number>>): string[] {
    const gone = this.#subscriptions.goneOf(channel, sessions);
    return gone.filter((session) => !this.#subscriptions.isKnown(session, channel));
  }

  /** Those that their channel has answered, and nothing is under way about. */
  settled(): SettledSubscription[] {
    return this.#subscriptions.live().flatMap((subscription) => {
      const connection = this.#about.connections.find(subscription.session);
      if (connection === undefined || this.#leaving.has(keyOf(subscription))) return [];
      const reader = this.#readerOf(connection, subscription);
      return reader.isSettled ? { ...subscription, heal: (epoch: string) => reader.heal(epoch) } : [];
    });
  }

  /** From a channel: it has ended this subscription. The client is told why. */
  unsubscribed({ channel, session, order, reason }: Unsubscribed): void {
    const subscription = this.#subscriptions.find(session, channel);
    if (subscription === undefined || subscription.begun > order) return;
    const refused =
      reason === "deleted"
        ? unavailable()
        : refusal("forbidden", "removed from this channel; a new token is needed");
    const connection = this.#about.connections.find(session);
    if (connection === undefined) this.#subscriptions.delete(subscription);
    else this.#over(connection, subscription, refused);
  }

  /** New claims: what they do not allow is subscribed no longer. */
  renewed(connection: Connection): void {
    for (const subscription of this.#subscriptions.live()) {
      const { session, channel } = subscription;
      if (session !== connection.session || this.#may(connection, "subscribe", channel)) continue;
      this.#stop(connection, subscription);
      this.#subscriptions.end(subscription, "unsubscribed");
      const refused = refusal("forbidden", "the new token may not subscribe to this channel");
      sendError(connection, refused, undefined, channel);
    }
  }

  /** The client of this session has another device: rosters show it. */
  deviceChanged(session: string): void {
    // What is being left is not spoken of: a newer word than that would keep the session there.
    this.#subscriptions.deviceChanged(session, (row) => this.#leaving.has(keyOf(row)));
    for (const subscription of this.#subscriptions.live()) {
      const connection = this.#about.connections.find(subscription.session);
      if (connection !== undefined) this.#readerOf(connection, subscription);
    }
  }

  /** A probe was answered. */
  heard(connection: Connection, n: number): void {
    this.#reading.answered(connection, n);
  }

  #over(connection: Connection, subscription: Subscription, refused: Refusal): void {
    this.#drop(connection, subscription);
    sendError(connection, refused, undefined, subscription.channel);
  }

  /** The channel knows that it is over. */
  #drop(connection: Connection, subscription: Subscription): void {
    this.#stop(connection, subscription);
    this.#subscriptions.delete(subscription);
  }

  /** Also where its reader has not been made since sleep: what it leaves in the attachment goes. */
  #stop(connection: Connection, subscription: Subscription): void {
    this.#readerOf(connection, subscription).stop();
    this.#readers.get(connection)?.byChannel.delete(subscription.channel);
  }

  #refusalOf(connection: Connection, channel: string, rewind = 0): Refusal | undefined {
    const { HISTORY_SIZE, MAX_SUBSCRIPTIONS } = this.#settings;
    if (!this.#may(connection, "subscribe", channel)) {
      return refusal("forbidden", "no grant to subscribe to this channel");
    }
    if (rewind > HISTORY_SIZE) {
      const message = `at most ${HISTORY_SIZE}`;
      return refusal("bad_request", `rewind: ${message}`, [{ path: "rewind", message }]);
    }
    if (rewind > 0 && !this.#may(connection, "history", channel)) {
      return refusal("forbidden", "rewind: no grant to history on this channel");
    }
    return this.#subscriptions.channelsWith(channel) > MAX_SUBSCRIPTIONS
      ? refusal("too_many_subscriptions", `at most ${MAX_SUBSCRIPTIONS} channels can be subscribed to`)
      : undefined;
  }

  async #ask(
    connection: Connection,
    { session, channel, order, begun, events }: Subscription,
    { recover, rewind }: Wanted,
    isOurs: boolean,
  ): Promise<Subscribed | Refusal> {
    const { device, claims } = connection.state;
    const member = memberOf(this.#about.standing.facts());
    const answer = await this.#ports.objects.channel(channel).subscribe({
      user: this.#about.name,
      ...{ session, order, begun, device, member },
      ...(claims.info && { info: claims.info }),
      issuedAt: claims.iat ?? null,
      ...(recover && { recover }),
      ...(rewind !== undefined && { rewind }),
      mayHistory: isOurs || this.#may(connection, "history", channel),
      ...(events && { events }),
    });
    if (!isRefusal(answer)) this.#rules.subscribed(channel, member);
    return answer;
  }

  /** Of one channel. When several sessions end at once, as after a crash, that they are over is one call to each. */
  async #pay(debts: readonly SubscriptionDebt[]): Promise<void> {
    const [{ subscription, owes }] = debts as [SubscriptionDebt];
    const { session, channel, order } = subscription;
    const port = this.#ports.objects.channel(channel);
    if (owes === "device") {
      const row = this.#sessionOf(session);
      if (row !== undefined) await port.setSubscriberDevice({ session, order, device: row.device });
    } else if (debts.length === 1) await port.unsubscribe(this.#overOf(subscription, owes));
    else {
      const over = debts.flatMap((debt) =>
        debt.owes === "device" ? [] : this.#overOf(debt.subscription, debt.owes),
      );
      await port.unsubscribeTogether(over);
    }
  }

  #overOf({ session, order }: Subscription, reason: EndReason): UnsubscribeRequest {
    // Of a session whose row is gone, with its grace or because the user was erased, nothing is left to wait for.
    const row = this.#sessionOf(session);
    const now = this.#ports.clock.now();
    const at = row === undefined ? now - this.#settings.OFFLINE_GRACE_SECONDS * 1000 : (row.endedAt ?? now);
    return { user: this.#about.name, session, order, at, reason };
  }

  #readerOf(connection: Connection, subscription: Subscription): Reader {
    const known = this.#readers.get(connection);
    const readers = known ?? { positions: new Positions(connection), byChannel: new Map<string, Reader>() };
    if (known === undefined) this.#readers.set(connection, readers);
    const { channel } = subscription;
    const reader = readers.byChannel.get(channel);
    if (reader !== undefined) {
      reader.subscription = subscription;
      return reader;
    }
    const begun = new Reader(subscription, connection, readers.positions, this.#readerRules(connection));
    readers.byChannel.set(channel, begun);
    return begun;
  }

  #readerRules(connection: Connection): ReaderRules {
    const isLive = () => this.#about.connections.find(connection.session) === connection;
    return {
      isLive,
      ask: (subscription, wanted, isOurs) => this.#ask(connection, subscription, wanted, isOurs),
      read: (channel, request) => this.#ports.objects.channel(channel).read(request),
      mayHearRoster: (channel) => this.#may(connection, "members", channel),
      sent: (bytes) => this.#reading.sent(connection, bytes),
      page: (isWanted, read) => this.#reading.page(connection, { isLive, isWanted }, read),
      later: (ms, work) => this.#ports.timers.after(ms, work),
      background: (work) => this.#ports.background.run(work),
      failed: (cause) =>
        this.#ports.log.warn("channel did not answer", { session: connection.session }, cause),
      over: (subscription, refused) => this.#over(connection, subscription, refused),
    };
  }

  #sessionOf(session: string): SessionRow | undefined {
    return this.#about.standing.all().find((row) => row.session === session);
  }

  #may({ state }: Connection, capability: Capability, channel: string): boolean {
    return mayUseChannel(state.claims, capability, channel, this.#settings.DEFAULT_GRANTS);
  }
}

function keyOf({ session, channel }: Subscription): string {
  return `${session} ${channel}`;
}

/** A device is told by itself. */
function laneOf({ id, subscription, owes }: SubscriptionDebt): string {
  return owes === "device" ? id : subscription.channel;
}

function unavailable(): Refusal {
  return { code: "unavailable", message: "subscribe again in a moment", retryAfterMs: AGAIN_AFTER_MS };
}
