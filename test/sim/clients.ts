import type { LocationHint } from "../../src/objects/placement.ts";
import type { LogPosition } from "../../src/objects/ports.ts";
import type { DeviceType } from "../../src/protocol/names.ts";
import { Broadcasts } from "./broadcasts.ts";
import { type Attempt, type Ending, SimulatedConnection, type Target } from "./connection.ts";
import { Issuer } from "./credentials.ts";
import { HttpWatches } from "./http-watches.ts";
import { Ledger } from "./ledger.ts";
import type { Recovery } from "./log-reading.ts";
import { Mail } from "./mail.ts";
import { Operator } from "./operator.ts";
import { Orders } from "./orders.ts";
import { PresenceTruth } from "./presence-truth.ts";
import type { Promised } from "./promised.ts";
import { Reader } from "./reader.ts";
import { Requests } from "./requests.ts";
import type { Planned } from "./scheduler.ts";
import { Sweeping } from "./sweeping.ts";
import { TicketUses } from "./ticket-uses.ts";
import type { World } from "./world.ts";

const RECONNECT_MS = [200, 30_000] as const;
const DEVICES: readonly DeviceType[] = ["web", "mobile", "bot"];

/** Where clients are, where that matters; nobody knows it of every fourth. */
const HINTS = ["weur", "enam", "oc", undefined] as const;
/** How many clients a user has, for the own connection and for each channel. */
const USUAL_CLIENTS = { own: 2, channels: [1, 1] };

/** Every client of a run, and what holds for all of them. */
export class Crowd implements Promised {
  readonly world: World;
  readonly ledger = new Ledger();
  readonly orders = new Orders();
  readonly mail = new Mail();
  readonly tickets: TicketUses;
  readonly truth: PresenceTruth;
  readonly httpWatches = new HttpWatches();
  readonly issuer: Issuer;
  readonly operator: Operator;
  readonly requests: Requests;
  readonly broadcasts: Broadcasts;
  readonly sweeping: Sweeping;
  /** Every connection that was ever asked for. */
  readonly seen: SimulatedConnection[] = [];
  readonly reader: Reader;
  readonly users: readonly string[];
  readonly channels: readonly string[];
  readonly hints: readonly (LocationHint | undefined)[];
  readonly clients: readonly SimulatedClient[];
  /** The last attempt of each user to connect. */
  readonly newest = new Map<string, SimulatedConnection>();
  /** Nothing is made to happen any more: new tokens are long. */
  isCalm = false;

  /** Each user has so many clients for the own connection, and for each channel. */
  constructor(world: World, users: readonly string[], channels: readonly string[], clients = USUAL_CLIENTS) {
    this.world = world;
    this.hints = world.settings.REGIONAL_RELAYS ? HINTS : [];
    this.users = users;
    this.channels = channels;
    this.tickets = new TicketUses(world);
    this.truth = new PresenceTruth(world, users);
    this.issuer = new Issuer(world);
    this.operator = new Operator(world, this);
    this.requests = new Requests(world, this);
    this.broadcasts = new Broadcasts(world, this);
    this.sweeping = new Sweeping(world);
    this.reader = new Reader(world, users, channels);
    this.clients = users.flatMap((user) => {
      const own: Target = { kind: "user", name: user };
      const targets = Array.from({ length: clients.own }, () => own);
      channels.forEach((name, i) => {
        const count = clients.channels[i] ?? 1;
        for (let n = 0; n < count; n++) targets.push({ kind: "channel", name });
      });
      return targets.map((target, i) => new SimulatedClient(this, user, target, i === 0));
    });
  }

  /** Those that sit in this channel, or are subscribed to it. */
  inChannel(channel: string): SimulatedConnection[] {
    return this.live().filter(({ target, subscribed }) =>
      target.kind === "channel" ? target.name === channel : subscribed.views.has(channel),
    );
  }

  /** Welcomed, alive, and held by their keeper. */
  live(): SimulatedConnection[] {
    return this.clients.flatMap(({ connection }) => (connection?.isLive === true ? [connection] : []));
  }
}

/** One program of one user that is meant to be connected somewhere, or not; it comes back when it is cut off. */
export class SimulatedClient {
  readonly user: string;
  readonly target: Target;
  readonly #crowd: Crowd;
  readonly #hasDevices: boolean;
  #connection: SimulatedConnection | undefined;
  #comingBack: Planned | undefined;
  /** Where it stood in its channel's log when it was there last. */
  #lastSeen: LogPosition | undefined;
  /** Likewise in those that it was subscribed to. */
  readonly #lastStood = new Map<string, LogPosition>();
  #triedAt = 0;

  /** With `hasDevices` it says on which of two it is; else it names none. */
  constructor(crowd: Crowd, user: string, target: Target, hasDevices: boolean) {
    this.#crowd = crowd;
    this.user = user;
    this.target = target;
    this.#hasDevices = hasDevices;
  }

  /** Its connection, from the first attempt until it left or was cut off. */
  get connection(): SimulatedConnection | undefined {
    return this.#connection;
  }

  /** When it last asked for a connection; 0 for never. */
  get triedAt(): number {
    return this.#triedAt;
  }

  get isAway(): boolean {
    return this.#connection === undefined && this.#comingBack === undefined;
  }

  connect(): void {
    this.#comingBack = undefined;
    const { world, isCalm, newest, issuer, tickets, seen } = this.#crowd;
    const { random } = world;
    const credentials = isCalm ? issuer.fresh(this.user) : issuer.any(this.user);
    const recovery = this.#recovery();
    const id = this.#hasDevices ? { id: random.pick(["phone", "desk"]) ?? "" } : {};
    const device = { type: random.pick(DEVICES) ?? "other", ...id };
    this.#triedAt = world.now;
    const hint = this.target.kind === "channel" ? random.pick(this.#crowd.hints) : undefined;
    const attempt: Attempt = {
      user: this.user,
      target: this.target,
      credentials,
      device,
      transport: random.chance(0.15) ? "sse" : "websocket",
      ...(hint && { hint }),
      ...(recovery === undefined ? {} : { recovery }),
    };
    if (credentials.ticket !== undefined) tickets.presented(credentials.ticket.id);
    const connection = new SimulatedConnection(world, attempt, this.#crowd, (ending) =>
      this.#ended(connection, ending),
    );
    this.#connection = connection;
    seen.push(connection);
    newest.set(this.user, connection);
    const { user, transport } = attempt;
    const recover = recovery === undefined ? {} : { recover: recovery.position };
    const request = { user, device, transport, ...credentials, ...recover, ...(hint && { hint }) };
    connection.start(world.connect(this.target.kind, this.target.name, request, connection));
  }

  /** Subscribes to a channel, or checks it: mostly from where it stood there. */
  subscribe(channel: string): void {
    const connection = this.#connection;
    const stood = connection?.subscribed.views.get(channel)?.position ?? this.#lastStood.get(channel);
    const isBack = stood !== undefined && this.#crowd.world.random.chance(0.8);
    connection?.subscribe(channel, isBack ? { ...stood } : undefined);
  }

  close(): void {
    this.#leave((connection) => connection.close());
  }

  terminate(): void {
    this.#leave((connection) => connection.terminate());
  }

  vanish(): void {
    this.#leave((connection) => connection.vanish());
  }

  #leave(how: (connection: SimulatedConnection) => void): void {
    this.#comingBack?.cancel();
    this.#comingBack = undefined;
    if (this.#connection !== undefined) how(this.#connection);
    this.#forget();
  }

  /** Cut off or refused: it comes back, unless it was told to stay away. */
  #ended(connection: SimulatedConnection, ending: Ending): void {
    if (this.#connection !== connection) return;
    this.#forget();
    if ("code" in ending && ending.code >= 4500) return;
    const { random, scheduler } = this.#crowd.world;
    this.#comingBack = scheduler.after(random.logBetween(...RECONNECT_MS), () => this.connect());
  }

  #forget(): void {
    this.#lastSeen = this.#connection?.position ?? this.#lastSeen;
    for (const [channel, { position }] of this.#connection?.subscribed.views ?? []) {
      this.#lastStood.set(channel, position);
    }
    this.#connection = undefined;
  }

  /** Most come back to where they were; a few to where nobody has been. */
  #recovery(): Recovery | undefined {
    const { random } = this.#crowd.world;
    const seen = this.#lastSeen;
    if (seen === undefined || random.chance(0.2)) return undefined;
    if (random.chance(0.9)) return { position: seen, isPossible: true };
    const position = random.chance(0.5)
      ? { ...seen, epoch: "of another log" }
      : { ...seen, offset: seen.offset + 1_000_000 };
    return { position, isPossible: false };
  }
}
