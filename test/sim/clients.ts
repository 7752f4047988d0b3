import type { DeviceType } from "../../src/protocol/names.ts";
import { type Ending, SimulatedConnection, type Target } from "./connection.ts";
import { Ledger } from "./ledger.ts";
import { Reader } from "./reader.ts";
import type { Planned } from "./scheduler.ts";
import type { World } from "./world.ts";

const RECONNECT_MS = [200, 30_000] as const;
const LONG_TOKEN_MS = 24 * 3_600_000;
const SHORT_TOKEN_MS = [60_000, 1_200_000] as const;
const DEVICES: readonly DeviceType[] = ["web", "mobile", "bot"];

/** Every client of a run, and what holds for all of them. */
export class Crowd {
  readonly world: World;
  readonly ledger = new Ledger();
  readonly reader: Reader;
  readonly users: readonly string[];
  readonly channels: readonly string[];
  readonly clients: readonly SimulatedClient[];
  /** The last attempt of each user to connect. */
  readonly newest = new Map<string, SimulatedConnection>();
  /** Nothing is made to happen any more: new tokens are long. */
  isCalm = false;

  /** Each user has two clients for the own connection and one for each channel. */
  constructor(world: World, users: readonly string[], channels: readonly string[]) {
    this.world = world;
    this.users = users;
    this.channels = channels;
    this.reader = new Reader(world, users, channels);
    this.clients = users.flatMap((user) => {
      const own: Target = { kind: "user", name: user };
      const others = channels.map((name): Target => ({ kind: "channel", name }));
      return [own, own, ...others].map((target) => new SimulatedClient(this, user, target));
    });
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
  #connection: SimulatedConnection | undefined;
  #comingBack: Planned | undefined;

  constructor(crowd: Crowd, user: string, target: Target) {
    this.#crowd = crowd;
    this.user = user;
    this.target = target;
  }

  /** Its connection, from the first attempt until it left or was cut off. */
  get connection(): SimulatedConnection | undefined {
    return this.#connection;
  }

  get isAway(): boolean {
    return this.#connection === undefined && this.#comingBack === undefined;
  }

  connect(): void {
    this.#comingBack = undefined;
    const { world, ledger, isCalm, newest } = this.#crowd;
    const { random, now } = world;
    const isShort = !isCalm && random.chance(0.1);
    const lifetime = isShort ? random.logBetween(...SHORT_TOKEN_MS) : LONG_TOKEN_MS;
    const exp = Math.ceil((now + lifetime) / 1000);
    const connection = new SimulatedConnection(
      world,
      { user: this.user, target: this.target, expiresAt: exp * 1000 },
      ledger,
      (ending) => this.#ended(connection, ending),
    );
    this.#connection = connection;
    newest.set(this.user, connection);
    const device = { type: random.pick(DEVICES) ?? "other" };
    const claims = { sub: this.user, iat: Math.floor(now / 1000), exp, info: { name: this.user } };
    const request = { user: this.user, device, transport: "websocket" as const, claims };
    connection.start(world.connect(this.target.kind, this.target.name, request, connection));
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
    this.#connection = undefined;
  }

  /** Cut off or refused: it comes back, unless it was told to stay away. */
  #ended(connection: SimulatedConnection, ending: Ending): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    if ("code" in ending && ending.code >= 4500) return;
    const { random, scheduler } = this.#crowd.world;
    this.#comingBack = scheduler.after(random.logBetween(...RECONNECT_MS), () => this.connect());
  }
}
