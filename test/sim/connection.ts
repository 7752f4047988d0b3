import type { LocationHint } from "../../src/objects/placement.ts";
import type { LogPosition } from "../../src/objects/ports.ts";
import { type Message, Published, type Skipped } from "../../src/protocol/bodies.ts";
import type { Claims } from "../../src/protocol/claims.ts";
import { CLOSE } from "../../src/protocol/close-codes.ts";
import { Sent } from "../../src/protocol/inbox.ts";
import type { Device } from "../../src/protocol/names.ts";
import {
  type BroadcastFrame,
  type OkFrame,
  type ServerFrame,
  type SubscribedFrame,
  WelcomeFrame,
} from "../../src/protocol/server-frames.ts";
import type { Credentials } from "./credentials.ts";
import { closeIsWrong, refusalIsWrong } from "./endings.ts";
import type { Kind } from "./fault-table.ts";
import { InboxReading } from "./inbox-reading.ts";
import type { Link, Peer } from "./link.ts";
import { LogReading, type Recovery } from "./log-reading.ts";
import type { Letter } from "./mail.ts";
import type { Promised } from "./promised.ts";
import { Renewing } from "./renewing.ts";
import { RosterView } from "./roster-view.ts";
import type { Planned } from "./scheduler.ts";
import type { SimulatedObject } from "./simulated-object.ts";
import { Subscribed } from "./subscribed.ts";
import { Watched } from "./watched.ts";
import type { World } from "./world.ts";

/** From a user's object over a channel's to the client, without any fault. */
const ON_ITS_WAY_MS = 100;

/** Where a connection leads to: the user's own object, or a channel. */
export interface Target {
  kind: Kind;
  name: string;
}

/** What a client asks for. A stream hears and pings, and never sends a frame. */
export interface Attempt {
  user: string;
  target: Target;
  credentials: Credentials;
  device: Device;
  transport: "websocket" | "sse";
  /** Where it is, as the platform says. */
  hint?: LocationHint;
  recovery?: Recovery;
}

/** How a connection ended, or why it never began. */
export type Ending = { code: number } | { refused: string | undefined };

/**
 * A client's end of one connection: pings, answers probes, keeps what it was told, and watches that what it
 * is told is in order.
 */
export class SimulatedConnection implements Peer {
  readonly user: string;
  readonly target: Target;
  readonly attempt: Attempt;
  readonly startedAt: number;
  readonly #world: World;
  readonly #promised: Promised;
  readonly #onEnd: (ending: Ending) => void;
  readonly #published = new Map<number, { channel: string; data: unknown }>();
  readonly #log: LogReading;
  /** What it sent, and up to where it said that it is done; by `ref`. */
  readonly #letters = new Map<string, Letter>();
  readonly #acks = new Map<string, { seq: number; askedAt: number }>();
  readonly #renewing: Renewing;
  #link: Link | undefined;
  #welcome: WelcomeFrame | undefined;
  #welcomedAt = 0;
  #nextPing: Planned | undefined;
  /** On a channel: who is there, as this client was told. */
  readonly roster = new RosterView();
  /** What it heard that is for everybody, by id. */
  readonly broadcasts = new Set<string>();
  /** On the user's own object: what it was told of others. */
  readonly watched: Watched;
  /** Likewise of channels that it is subscribed to. */
  readonly subscribed: Subscribed;
  /** Likewise, what it was told of its inbox. */
  readonly inbox: InboxReading;

  constructor(world: World, attempt: Attempt, promised: Promised, onEnd: (ending: Ending) => void) {
    this.#world = world;
    this.#promised = promised;
    this.#onEnd = onEnd;
    this.attempt = attempt;
    this.user = attempt.user;
    this.target = attempt.target;
    this.startedAt = world.now;
    this.#log = new LogReading(attempt.recovery);
    const wrong = (sentence: string) => this.#wrong(sentence);
    this.watched = new Watched(this.user, promised.truth, wrong);
    this.subscribed = new Subscribed(wrong, (message) => promised.ledger.deliver(message));
    this.inbox = new InboxReading(promised.mail, this.user, attempt.device.id ?? "");
    this.#renewing = new Renewing(world, promised.orders, attempt, wrong);
  }

  /** The session, once it was welcomed. */
  get session(): string | undefined {
    return this.#welcome?.session;
  }

  /** When its token ends: so long and a leeway more it may stay. */
  get expiresAt(): number {
    return this.#renewing.claims.exp * 1000;
  }

  /** Its token as an order sees it: the one that counts now. */
  get tokenUse() {
    return this.#renewing.tokenUse;
  }

  /** As an order sees it. */
  get sessionUse() {
    const { user, startedAt } = this;
    const channel = this.target.kind === "channel" ? { channel: this.target.name } : {};
    return { user, session: this.session ?? "", startedAt, welcomedAt: this.#welcomedAt, ...channel };
  }

  /** The object that has its socket: its target, or a relay of that. */
  get keeper(): SimulatedObject | undefined {
    return this.#link?.keeper;
  }

  /** Where it stands in its channel's log. */
  get position(): LogPosition | undefined {
    return this.target.kind === "channel" ? this.#log.position : undefined;
  }

  /** Welcomed, pinging, and its socket open at the keeper. */
  get isLive(): boolean {
    return this.#welcome !== undefined && this.#link?.isLive === true;
  }

  start(link: Link): void {
    this.#link = link;
  }

  publish(data: unknown, channel: string): void {
    const ref = this.#published.size + 1;
    this.#published.set(ref, { channel, data });
    this.say({ type: "publish", ...(this.target.kind === "user" ? { channel } : {}), data, ref });
  }

  /** Presents a new token, which may be one that does not count. */
  renew(claims: Claims): void {
    this.say(this.#renewing.ask(claims));
  }

  send(letter: Letter): void {
    const ref = `letter ${this.#letters.size + 1}`;
    this.#letters.set(ref, letter);
    const { to, data, key } = letter;
    this.say({ type: "send", user: to, data, ref, ...(key !== undefined && { key }) });
  }

  acknowledge(seq: number): void {
    const ref = `ack ${this.#acks.size + 1}`;
    this.#acks.set(ref, { seq, askedAt: this.#world.now });
    this.#promised.mail.says(this.user, seq);
    // The heartbeat behind it is answered when it was carried out.
    this.say([
      { type: "ack", seq },
      { type: "heartbeat", ref },
    ]);
  }

  watch(asked: Parameters<Watched["ask"]>[0]): void {
    this.say(this.watched.ask(asked));
  }

  subscribe(channel: string, from: LogPosition | undefined): void {
    this.say(this.subscribed.subscribe(channel, from, this.#world.now));
  }

  unsubscribe(channel: string): void {
    this.say(this.subscribed.unsubscribe(channel));
  }

  say(frame: object): void {
    this.#link?.send(JSON.stringify(frame));
  }

  close(): void {
    this.#stop();
    this.#link?.close();
  }

  terminate(): void {
    this.#stop();
    this.#link?.terminate();
  }

  vanish(): void {
    this.#stop();
    this.#link?.vanish();
  }

  opened(): void {
    this.#pingLater();
  }

  refused(code: string | undefined): void {
    const wrong = refusalIsWrong(code, this, this.#promised, this.#world.now);
    if (wrong !== undefined) this.#wrong(wrong);
    this.#onEnd({ refused: code });
  }

  closed(code: number, reason: string): void {
    this.#stop();
    const leewayMs = this.#world.settings.CLOCK_LEEWAY_SECONDS * 1000;
    const isExpired = code === CLOSE.tokenExpired && this.#world.now >= this.expiresAt + leewayMs;
    if (isExpired) this.#promised.ledger.expired++;
    if (code === CLOSE.replaced) this.#promised.ledger.replaced++;
    const wrong = isExpired ? undefined : closeIsWrong(code, this.sessionUse, this.#promised.orders);
    if (wrong !== undefined) this.#wrong(`${wrong} (${reason})`);
    this.#onEnd({ code });
  }

  received(text: string): void {
    if (text === "pong") return;
    const frames: ServerFrame | ServerFrame[] = JSON.parse(text);
    for (const frame of Array.isArray(frames) ? frames : [frames]) this.#understand(frame);
  }

  #understand(frame: ServerFrame): void {
    if (this.#welcome === undefined && frame.type !== "welcome" && frame.type !== "closing") {
      return this.#wrong(`${frame.type} came before welcome`);
    }
    switch (frame.type) {
      case "welcome":
        return this.#welcomed(frame);
      case "message":
        return this.target.kind === "user" ? this.subscribed.told(frame) : this.#delivered(frame);
      case "members":
        return this.target.kind === "user"
          ? this.subscribed.rosterChanged(frame)
          : this.#rosterIs(this.roster.changed(frame, this.keeper?.kind));
      case "subscribed":
        return this.#subscribedTo(frame);
      case "presence":
        return this.watched.told(frame);
      case "broadcast":
        return this.#broadcast(frame);
      case "direct": {
        const wrong = this.inbox.told(frame);
        return wrong === undefined ? undefined : this.#wrong(wrong);
      }
      case "probe":
        return this.#link?.send("ping");
      case "ok":
        return this.#acknowledged(frame);
      case "error":
        this.watched.refused(frame.ref);
        if (this.#renewing.refused(frame)) return;
        if (this.subscribed.refused(frame, (channel) => this.#mayBeSentAway(channel))) return;
        if (frame.code === "session_gone") return; // said by a channel connection that is about to end
        if (frame.code === "unavailable" || (frame.code === "forbidden" && this.#mayBeSentAway())) return;
        return this.#wrong(`a frame was refused: ${frame.code} ${frame.message}`);
      case "signal":
        if (frame.from?.session === this.session) this.#wrong("a signal returned to its sender");
    }
  }

  #welcomed(frame: WelcomeFrame): void {
    const welcome = WelcomeFrame.safeParse(frame);
    if (!welcome.success) return this.#wrong(`a welcome of the wrong shape: ${welcome.error.message}`);
    if (this.#welcome !== undefined) return this.#wrong("welcomed twice");
    this.#welcome = welcome.data;
    this.#welcomedAt = this.#world.now;
    const { ledger, tickets, orders } = this.#promised;
    ledger.welcomes++;
    if (this.keeper?.kind === "relay") ledger.relayed++;
    const { ticket } = this.attempt.credentials;
    if (ticket !== undefined) tickets.used(ticket.id, welcome.data.session);
    // A relay asks its channel after the user's object has admitted: what that was told since ends it a moment later.
    const isOnRelay = this.keeper?.kind === "relay";
    const by = (isRemoval: boolean) =>
      isOnRelay && !isRemoval ? this.startedAt : this.#world.now - ON_ITS_WAY_MS;
    const isRefused = [true, false].some((isRemoval) =>
      orders.mustRefuse(this.tokenUse, by(isRemoval), ({ is }) => (is === "removed") === isRemoval),
    );
    if (isRefused) {
      this.#wrong("revoked for good: welcomed with a token that an order had ended");
    }
    if (this.target.kind === "channel") return this.#stands(welcome.data);
    const inbox = welcome.data.inbox ?? { latest: -1, acked: -1 };
    const wrong = this.inbox.welcomed(inbox, this.startedAt, this.#world.now);
    if (wrong !== undefined) this.#wrong(wrong);
  }

  #stands(welcome: WelcomeFrame): void {
    const wrong = this.#log.welcomed(welcome);
    if (wrong !== undefined) this.#wrong(wrong);
    if (welcome.recovered === true) this.#promised.ledger.recoveries++;
    for (const message of welcome.messages ?? []) this.#promised.ledger.deliver(message);
    this.#rosterIs(this.roster.shown(welcome.members ?? [], welcome.count ?? 0));
  }

  /** A relay has missed something of the roster: it shows all of it, and the log goes on as it was. */
  #standsAsBefore({ recovered, messages, members = [], count }: SubscribedFrame): void {
    if (!recovered || messages.length > 0) this.#wrong("shown another log, though nothing was deleted");
    this.#rosterIs(this.roster.shown(members, count));
    this.#promised.ledger.shownAnew++;
  }

  /** Each connection sees what follows the offset that it stood at, without a gap and none twice. */
  #delivered(message: Message | Skipped): void {
    const wrong = this.#log.delivered(message);
    if (wrong !== undefined) return this.#wrong(wrong);
    this.#promised.ledger.deliver(message);
  }

  #broadcast({ id }: BroadcastFrame): void {
    if (this.broadcasts.has(id)) this.#wrong(`broadcast: heard ${id} twice`);
    if (!this.#promised.broadcasts.isSent(id)) this.#wrong(`broadcast: heard ${id}, which nobody sent`);
    this.broadcasts.add(id);
  }

  /** An own connection asks of any channel: it may have been removed from that one. */
  #mayBeSentAway(channel?: string): boolean {
    return this.#promised.orders.given.some(
      (order) =>
        order.is === "removed" && order.user === this.user && order.channel === (channel ?? order.channel),
    );
  }

  #subscribedTo(frame: SubscribedFrame): void {
    if (this.target.kind === "channel") return this.#standsAsBefore(frame);
    const { recoveries } = this.subscribed;
    this.subscribed.stands(frame);
    this.#promised.ledger.subscriptions++;
    this.#promised.ledger.recoveries += this.subscribed.recoveries - recoveries;
  }

  #acknowledged({ ref, ...answer }: OkFrame & Record<string, unknown>): void {
    if (this.#renewing.renewed(ref, answer)) {
      this.#promised.ledger.renewals++;
      return;
    }
    if (ref !== undefined && this.watched.answered(ref, answer)) return;
    if (this.subscribed.answered(ref)) return;
    if (typeof ref === "string" && this.#mailed(ref, answer)) return;
    if (answer.status !== undefined) this.#promised.ledger.statuses++;
    const published = typeof ref === "number" ? this.#published.get(ref) : undefined;
    if (published === undefined) return;
    const { id, epoch, offset } = Published.parse({ at: 0, ...answer });
    this.#promised.ledger.acknowledge({ ...published, id, epoch, offset });
  }

  /** Whether this answers something about the inbox. */
  #mailed(ref: string, answer: Record<string, unknown>): boolean {
    const { mail } = this.#promised;
    const { now } = this.#world;
    const ack = this.#acks.get(ref);
    if (ack !== undefined) mail.acknowledged(this.user, this.inbox.device, ack.seq, ack.askedAt, now);
    const letter = this.#letters.get(ref);
    if (letter === undefined) return ack !== undefined;
    const wrong = mail.answered(letter, Sent.omit({ delivered: true }).parse(answer), now);
    if (wrong !== undefined) this.#wrong(wrong);
    return true;
  }

  #rosterIs(wrong: string | undefined): void {
    if (wrong !== undefined) this.#wrong(`rosters: ${wrong}`);
  }

  #wrong(sentence: string): void {
    this.#world.journal.fail(`${this.user} on ${this.target.kind} ${this.target.name}: ${sentence}`);
  }

  #pingLater(): void {
    const interval = this.#world.settings.HEARTBEAT_INTERVAL_SECONDS * 1000;
    this.#nextPing = this.#world.scheduler.after(interval, () => {
      this.#link?.send("ping");
      this.#pingLater();
    });
  }

  #stop(): void {
    this.#nextPing?.cancel();
  }
}
