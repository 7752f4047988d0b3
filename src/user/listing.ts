import type { Settings } from "../config.ts";
import type { Held, Order } from "../objects/directory-port.ts";
import type { Clock, Ports } from "../objects/ports.ts";
import { userShard } from "../objects/shards.ts";
import { type Subject, Telling } from "../objects/telling.ts";
import type { Presence } from "../protocol/presence.ts";
import { versionsOf } from "./presence/presence.ts";
import type { Standing } from "./presence/standing.ts";

/** As often as the sweep of a user whom nobody can see. */
const TTLS_PER_CONFIRMATION = 10;

/**
 * Keeps the directory in step with one user, as back ends see it. While the user is online nothing of that is
 * durable: a word that a crash took is made good by the next change, by an alarm within ten TTLs, or by a
 * channel that finds the user missing. That the user is gone is a debt in the user's row: nobody else would miss what is too much.
 */
export class Listing implements Subject {
  readonly telling: Telling;
  readonly #objects: Ports["objects"];
  readonly #clock: Clock;
  readonly #shards: number;
  readonly #periodMs: number;
  readonly #standing: Standing;
  readonly #held: () => Omit<Held, "connections">;
  /** Asked for at the end of every turn. */
  #looked: { presence: Presence; shown: string; look: string } | undefined;

  constructor(
    ports: Pick<Ports, "clock" | "background" | "log" | "objects">,
    settings: Settings,
    about: { standing: Standing; held: () => Omit<Held, "connections"> },
    onSettled: () => void,
  ) {
    this.#objects = ports.objects;
    this.#clock = ports.clock;
    this.#shards = settings.DIRECTORY_SHARDS;
    this.#periodMs = settings.SESSION_TTL_SECONDS * 1000 * TTLS_PER_CONFIRMATION;
    this.#standing = about.standing;
    this.#held = about.held;
    this.telling = new Telling(ports, this, () => {
      this.#settleDebt();
      onSettled();
    });
    if (!this.isOwed()) this.telling.assumeTold();
  }

  /** Tells what differs from what was told. */
  kick(): void {
    this.telling.kick();
  }

  /**
   * After an alarm: once in ten TTLs it tells anew, unless the user is offline and nobody has to know. Which alarm
   * that is the clock says, because an object that sleeps in between counts nothing. The alarm before is taken
   * to be one and a half intervals ago, as this one may be late: rather one word too many than one too few.
   */
  woken(everyMs: number): void {
    const now = this.#clock.now();
    const isFirst = Math.floor(now / this.#periodMs) !== Math.floor((now - 1.5 * everyMs) / this.#periodMs);
    if (isFirst && this.#standing.presence().status !== "offline") this.telling.confirm();
  }

  /**
   * When the user was last active is no news: activity writes nothing. Nor is a version that shows nothing else, as
   * sessions have that are told to back ends: the look keeps the version at which the user began to look so.
   */
  look(): string {
    const presence = this.#standing.presence(); // another one after each change
    if (this.#looked?.presence === presence) return this.#looked.look;
    const { lastActiveAt: _, version, ...rest } = presence;
    const shown = rest.status === "offline" ? "offline" : JSON.stringify([rest, this.#sessions()]);
    const fresh = shown === "offline" ? shown : `${shown} ${version}`;
    const look = this.#looked?.shown === shown ? this.#looked.look : fresh;
    this.#looked = { presence, shown, look };
    return look;
  }

  version(): number {
    return versionsOf(this.#standing.facts()).version;
  }

  isOwed(): boolean {
    return this.#standing.row().owesDirectory && this.#standing.presence().status === "offline";
  }

  send(order: Order, confirms: boolean): Promise<Order | null> {
    const presence = this.#standing.presence();
    const shard = this.#objects.directory(userShard(presence.user, this.#shards));
    const held = { connections: this.#connections(), ...this.#held() };
    const told = { presence, sessions: this.#sessions(), held, ...order };
    return shard.setUser({ ...told, ...(confirms && { confirms }) });
  }

  /** A user who went offline, came and went again meanwhile has not been told of: `told` is what was then. */
  #settleDebt(): void {
    if (!this.isOwed() || this.telling.told !== this.look()) return;
    this.#standing.writeRow({ ...this.#standing.row(), owesDirectory: false });
  }

  /** Its sessions by transport and type of device. In its grace it has the last one still. */
  #connections(): Record<string, number> {
    const all = this.#standing.all();
    const live = all.filter(({ endedAt }) => endedAt === null);
    const counts: Record<string, number> = {};
    for (const { transport, device } of live.length > 0 ? live : all.slice(-1)) {
      const kind = `${transport} ${device.type}`;
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  }

  /** In its grace a user still stands for one: a flap is no news. */
  #sessions(): number {
    const live = this.#standing.all().filter(({ endedAt }) => endedAt === null).length;
    return this.#standing.presence().status === "offline" ? 0 : Math.max(1, live);
  }
}
