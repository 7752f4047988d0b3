import type { Settings } from "../../config.ts";
import type { Connection } from "../../connections/connection.ts";
import type { Connections } from "../../connections/connections.ts";
import type { Duty } from "../../objects/due-times.ts";
import type { DirectRequest, InboxPage } from "../../objects/inbox-port.ts";
import type { Ports, SignalRequest, Sql } from "../../objects/ports.ts";
import { PublishKeys } from "../../objects/publish-keys.ts";
import { signalFrame } from "../../objects/signal-frame.ts";
import type { From } from "../../protocol/bodies.ts";
import { isRefusal, type Refusal } from "../../protocol/codes.ts";
import type { InboxAck, InboxQuery, Sent } from "../../protocol/inbox.ts";
import type { SessionRow } from "../presence/session-table.ts";
import { Delivery, deviceOf } from "./delivery.ts";
import { NO_DEVICE } from "./devices.ts";
import { directText } from "./direct-text.ts";
import { Inbox } from "./inbox.ts";
import type { QueuedMessage } from "./inbox-message-table.ts";

/** What back ends are told of messages that nobody fetched in time, in the transaction in which they go. */
export interface UnfetchedEvents {
  readonly hasExpired: boolean;
  /** `epoch` is what their ids begin with. */
  expired(messages: readonly QueuedMessage[], epoch: string): void;
}

/** Under a flood thousands go that nobody fetched: they are counted, and told of once in so long. */
const TELL_OF_EXPIRED_MS = 60_000;
/** A page ends early where it would hold more: a call between objects carries at most 32 MiB. */
const PAGE_CHARACTERS = 1_048_576;

/**
 * What is said to this user: stored for its devices, then sent to those that are here, in one turn. A crash between
 * the two takes the sockets too, and who comes back is sent what it has not acknowledged. `ready` does what is due
 * before, `settle` ends a turn.
 */
export class Directs {
  readonly duties: readonly Duty[];
  readonly #inbox: Inbox;
  readonly #keys: PublishKeys;
  readonly #delivery: Delivery;
  readonly #connections: Connections;
  readonly #ports: Pick<Ports, "clock" | "log" | "tally">;
  /** Nobody fetched them, and they are not told of yet. In memory: a count that sleep loses is politeness only. */
  readonly #unfetched = { messages: 0, toldAt: 0 };
  readonly #turn: { ready(): void; settle(): void };
  /** The highest that each device acknowledged in this turn: several at once write one row. */
  readonly #acked = new Map<string, number>();

  constructor(
    ports: Ports,
    settings: Settings,
    about: { name: string; sql: Sql; connections: Connections; events?: UnfetchedEvents | undefined },
    turn: { ready(): void; settle(): void },
  ) {
    const { name, sql, connections, events } = about;
    this.#ports = ports;
    this.#turn = turn;
    this.#connections = connections;
    this.#keys = new PublishKeys(sql, ports.clock);
    this.#inbox = new Inbox(
      { ...ports, sql },
      settings,
      { user: name, keys: this.#keys },
      {
        isLive: (device) => [...connections.all()].some((connection) => deviceOf(connection) === device),
        expired: (messages) => this.#expired(messages),
        ...(events?.hasExpired === true && {
          unfetched: (messages) => events.expired(messages, this.#inbox.epoch),
        }),
      },
    );
    this.#delivery = new Delivery(this.#inbox, connections, ports.log);
    this.duties = [this.#passing(), this.#keys];
  }

  /** Messages that were over, since this object woke. */
  get deletedSoFar(): number {
    return this.#inbox.deletedSoFar;
  }

  /** What `welcome` says of the inbox. The device is known from here on. */
  welcome(connection: Connection): { latest: number; acked: number } {
    this.#inbox.see(deviceOf(connection));
    return { latest: this.#inbox.latest, acked: this.#inbox.ackedOf(deviceOf(connection)) };
  }

  /** After the welcome: what waits for its device. */
  welcomed(connection: Connection, seen?: number): void {
    this.#delivery.begin(connection, seen);
  }

  /** A session of the user has ended: until now its device was here. */
  ended({ keeper, device }: SessionRow): void {
    if (keeper.kind === "user") this.#inbox.left(device.id ?? NO_DEVICE);
  }

  /** A connection is on another device now. */
  deviceChanged(connection: Connection): void {
    this.#inbox.see(deviceOf(connection));
    this.#delivery.begunAnew(connection);
  }

  /** To the user's own connections at once; the sender's too where it is this user, unless it is left out. */
  send(request: DirectRequest): Sent | Refusal {
    this.#turn.ready();
    const stored = this.#inbox.store(request);
    if (isRefusal(stored)) return stored;
    const { id, seq, isNew } = stored;
    const delivered = isNew ? this.#delivery.fillAll() : 0;
    if (isNew) this.#ports.tally.count("said direct");
    if (isNew && request.once !== undefined) this.#keys.stored();
    this.#turn.settle();
    return { id, seq, delivered, ...(!isNew && { duplicate: true as const }) };
  }

  /** From a frame; carried out at the end of the turn. */
  acknowledged(connection: Connection, seq: number): void {
    const device = deviceOf(connection);
    this.#acked.set(device, Math.max(seq, this.#acked.get(device) ?? 0));
  }

  acknowledge({ seq, device = NO_DEVICE }: InboxAck): void {
    this.#turn.ready();
    this.#inbox.acknowledge(device, seq);
    this.#delivery.fillAll();
    this.#turn.settle();
  }

  /** At the end of a turn: acknowledgements count, and what waited for them follows. */
  settle(): void {
    if (this.#acked.size === 0) return;
    const acked = [...this.#acked];
    this.#acked.clear();
    for (const [device, seq] of acked) this.#inbox.acknowledge(device, seq);
    this.#delivery.fillAll();
  }

  /** A page of what is told to this reader; a back end is told all. Writes nothing. */
  page({ after, limit, device = NO_DEVICE }: InboxQuery, reader: From | undefined): InboxPage {
    this.#turn.ready();
    const acked = this.#inbox.ackedOf(device);
    const messages: string[] = [];
    let characters = 0;
    for (const message of this.#inbox.after(after ?? acked, limit)) {
      if (!this.#inbox.isTold(message, reader)) continue;
      const text = directText(this.#inbox.epoch, message);
      characters += text.length;
      if (messages.length === limit || (messages.length > 0 && characters > PAGE_CHARACTERS)) break;
      messages.push(text);
    }
    return { acked, latest: this.#inbox.latest, messagesJson: `[${messages.join(",")}]` };
  }

  /** Nothing is stored, and it never returns to the session that said it. */
  signal(request: SignalRequest): void {
    const text = signalFrame(request);
    this.#ports.tally.count("said signal");
    for (const connection of this.#connections.all()) {
      if (connection.session !== request.from?.session) connection.tell(text);
    }
  }

  /** In the transaction that erases the user. */
  erase(): void {
    this.#inbox.erase();
    this.#keys.forget();
  }

  /** How many, and nothing of what they said: the log may be read by others than its user. */
  #expired(messages: number): void {
    const { clock, log } = this.#ports;
    const unfetched = this.#unfetched;
    unfetched.messages += messages;
    if (clock.now() - unfetched.toldAt < TELL_OF_EXPIRED_MS) return;
    log.warn("direct messages expired", { messages: unfetched.messages });
    Object.assign(unfetched, { messages: 0, toldAt: clock.now() });
  }

  /** What made room in the inbox may have been in flight: then more follows. */
  #passing(): Duty {
    const { name } = this.#inbox;
    const run = (now: number) => {
      this.#inbox.run(now);
      this.#delivery.fillAll();
    };
    return { name, nextAt: () => this.#inbox.nextAt(), run };
  }
}
