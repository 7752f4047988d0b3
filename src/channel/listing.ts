import type { Settings } from "../config.ts";
import type { Order } from "../objects/directory-port.ts";
import type { Ports } from "../objects/ports.ts";
import { channelShard } from "../objects/shards.ts";
import { type Subject, Telling } from "../objects/telling.ts";
import { MissingUsers } from "./missing-users.ts";
import type { Members } from "./roster/members.ts";

/** A count that changes all the time is told so often; that the channel is occupied or vacated, at once. */
const CHANGED_COUNT_MS = 10_000;
/** In every so many sweeps the channel confirms itself and looks for members that the directory misses. */
const SWEEPS_PER_CHECK = 10;

/**
 * Keeps the directory in step with one channel. That nobody is left is a debt; it costs no row, because the
 * rows of the last members stay until it is settled, and whoever wakes with them owes it again; or with the word
 * to relays that the channel was deleted.
 */
export class Listing implements Subject {
  readonly telling: Telling;
  readonly #ports: Pick<Ports, "clock" | "objects" | "timers">;
  readonly #shards: number;
  readonly #channel: string;
  readonly #members: Members;
  readonly #missing: MissingUsers;
  readonly #sweepMs: number;
  readonly #onSettled: () => void;
  #toldAt = 0;
  #isTimerSet = false;
  #sweptAt: number | undefined;

  constructor(
    ports: Pick<Ports, "clock" | "background" | "log" | "objects" | "timers">,
    settings: Settings,
    about: { channel: string; members: Members; relays: { isEverybodySentAway: boolean } },
    onSettled: () => void,
  ) {
    this.#ports = ports;
    this.#shards = settings.DIRECTORY_SHARDS;
    this.#channel = about.channel;
    this.#members = about.members;
    this.#missing = new MissingUsers(ports, this.#shards);
    this.#sweepMs = settings.SESSION_TTL_SECONDS * 1000;
    this.#onSettled = onSettled;
    this.telling = new Telling(ports, this, onSettled);
    if (!about.relays.isEverybodySentAway) this.telling.assumeTold();
  }

  /** Tells what differs from what was told, a changed count not more often than every ten seconds. */
  kick(): void {
    const { told } = this.telling;
    if (told === this.look()) return;
    const isOtherCount = told !== undefined && told !== NOBODY && this.look() !== NOBODY;
    const wait = this.#toldAt + CHANGED_COUNT_MS - this.#ports.clock.now();
    if (isOtherCount && wait > 0) return this.#kickAfter(wait);
    this.#toldAt = this.#ports.clock.now();
    this.telling.kick();
  }

  /**
   * After a sweep: every tenth one by the clock, because a channel that sleeps in between counts nothing. The
   * sweep before is taken to be one and a half intervals ago: rather one check too many than one too few.
   */
  swept(): void {
    const now = this.#ports.clock.now();
    const before = this.#sweptAt ?? now - 1.5 * this.#sweepMs;
    this.#sweptAt = now;
    const period = this.#sweepMs * SWEEPS_PER_CHECK;
    if (Math.floor(now / period) === Math.floor(before / period) || this.#members.counts.members === 0)
      return;
    this.telling.confirm();
    this.#missing.find(this.#members.users());
  }

  look(): string {
    return String(this.#members.counts.members);
  }

  version(): number {
    return 0;
  }

  isOwed(): boolean {
    return this.#members.counts.members === 0 && this.telling.told !== NOBODY;
  }

  send(order: Order, confirms: boolean): Promise<Order | null> {
    const told = { ...order, ...(confirms && { confirms }) };
    const entry = { channel: this.#channel, members: this.#members.counts.members, ...told };
    return this.#ports.objects.directory(channelShard(this.#channel, this.#shards)).setChannel(entry);
  }

  /** In memory only: what a crash takes, the next check makes good. */
  #kickAfter(ms: number): void {
    if (this.#isTimerSet) return;
    this.#isTimerSet = true;
    this.#ports.timers.after(ms, () => {
      this.#isTimerSet = false;
      this.#onSettled();
    });
  }
}

const NOBODY = "0";
