import type { Background, Clock, Log, Timers } from "../objects/ports.ts";
import type { Standing } from "../objects/relaying.ts";
import type { Feed } from "./feed.ts";
import type { Upward } from "./upward.ts";

/** What an answer says is a little ahead of the pushes, as a rule: they are given so long to come. */
const PATIENCE_MS = 1_000;
/** Of the log, at once. */
const PAGE_BYTES = 1_048_576;

interface RepairRules {
  isNeeded(): boolean;
  /** The log no longer holds what comes next: a gap would follow, so everybody has to begin anew. */
  lost(): void;
  /** Everybody is to be shown how the channel stands. */
  show(standing: Standing): void;
}

/** What the channel has said that it stands at, and where this relay stood then. */
interface Suspicion {
  offset: number;
  roster: string;
  epoch: string | null;
  toldThen: string | undefined;
}

/**
 * What a relay does about what it has missed: a push that was lost shows as a gap before the next one, and in every
 * answer of the channel. Messages are read from the log, once for all connections; a roster is shown anew.
 */
export class Repairs {
  readonly #ports: { clock: Clock; timers: Timers; background: Background; log: Log };
  readonly #feed: Feed;
  readonly #upward: Upward;
  readonly #rules: RepairRules;
  #suspicion: Suspicion | undefined;
  /** Up to where is to be read; undefined where nothing is. */
  #target: number | undefined;
  #isReading = false;
  #isAsking = false;
  #isAskedFor = false;

  constructor(
    ports: { clock: Clock; timers: Timers; background: Background; log: Log },
    rooms: { feed: Feed; upward: Upward },
    rules: RepairRules,
  ) {
    this.#ports = ports;
    this.#feed = rooms.feed;
    this.#upward = rooms.upward;
    this.#rules = rules;
  }

  /** The channel stands there: what it has told besides must come soon. */
  expect({ epoch, offset, roster }: Standing): void {
    const { at, rosters } = this.#feed;
    if (at === undefined || this.#suspicion !== undefined) return;
    const isKnown = rosters.since(roster) !== undefined;
    if (at.epoch === epoch && at.offset >= offset && isKnown) return;
    this.#suspicion = { epoch, offset, roster, toldThen: rosters.told };
    this.#ports.timers.after(PATIENCE_MS, () => this.#check());
  }

  /** Messages up to this offset are missing. */
  missing(offset: number): void {
    this.#target = Math.max(offset, this.#target ?? 0);
    if (!this.#isReading) this.#ports.background.run(this.#read());
  }

  /** What was told of the roster does not follow from what was known, or the log is another. */
  broken(): void {
    this.#isAskedFor = true; // an answer that is under way may be older than what is broken now
    if (!this.#isAsking) this.#ports.background.run(this.#ask());
  }

  #check(): void {
    const suspicion = this.#suspicion;
    const { at, rosters } = this.#feed;
    this.#suspicion = undefined;
    if (suspicion === undefined || at === undefined || !this.#rules.isNeeded()) return;
    if (suspicion.epoch !== at.epoch) return this.broken();
    if (suspicion.offset > at.offset) this.missing(suspicion.offset);
    if (rosters.told === suspicion.toldThen && rosters.since(suspicion.roster) === undefined) this.broken();
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#isBehind) await this.#readPage();
      this.#target = undefined;
    } catch (cause) {
      this.#ports.log.warn("gap not read", {}, cause);
      this.#ports.timers.after(PATIENCE_MS, () => {
        if (this.#isBehind && !this.#isReading) this.#ports.background.run(this.#read());
      });
    }
    this.#isReading = false;
  }

  get #isBehind(): boolean {
    const { at } = this.#feed;
    return this.#rules.isNeeded() && at !== undefined && at.offset < (this.#target ?? 0);
  }

  async #readPage(): Promise<void> {
    const after = this.#feed.at;
    if (after === undefined) return;
    const { page } = await this.#upward.ask<"log">({ is: "log", after, maxBytes: PAGE_BYTES });
    if (this.#feed.at?.epoch !== after.epoch) {
      this.#target = undefined; // the log is another by now, and everybody is shown so
      return;
    }
    if (page === null) {
      this.#target = undefined;
      return this.#rules.lost();
    }
    this.#feed.take(page.said);
    if (page.isLast) this.#target = undefined;
    else if (this.#feed.at?.offset === after.offset) throw new Error("the log does not go on");
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    try {
      while (this.#isAskedFor && this.#rules.isNeeded()) {
        this.#isAskedFor = false;
        const standing = await this.#upward.stand();
        if (this.#rules.isNeeded()) this.#rules.show(standing);
      }
    } catch (cause) {
      this.#ports.log.warn("standing not known", {}, cause);
      this.#ports.timers.after(PATIENCE_MS, () => this.broken());
    }
    this.#isAsking = false;
  }
}
