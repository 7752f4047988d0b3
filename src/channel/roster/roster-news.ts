import type { Clock, Timers } from "../../objects/ports.ts";
import type { Member } from "../../protocol/bodies.ts";
import type { RosterFrame } from "../../protocol/server-frames.ts";
import type { Roster, RosterChange } from "./roster.ts";

/** Under churn members hear of changes this often, in milliseconds: frames grow with members x ticks. */
const TICK_MS = 50;

/** The roster that was told before a frame, and with it. */
export interface RosterStep {
  before: string;
  after: string;
}

/** What becomes of news. */
export interface NewsHooks {
  tell(text: string, step: RosterStep): void;
  /** Some will be told at the end of the tick. */
  waits(): void;
}

/**
 * Changes of the roster on their way to everybody here. The first one after a quiet moment leaves at once;
 * what follows within a tick is merged into one frame, so that who came and went meanwhile is no news.
 * In memory only: a crash cuts every connection that waits for it, and each starts from a fresh roster. For
 * subscribers, whose connections it does not cut, `waits` is when an alarm has to look after it.
 */
export class RosterNews {
  readonly #ports: { clock: Clock; timers: Timers };
  readonly #channel: string;
  readonly #roster: Roster;
  readonly #detailMax: number;
  readonly #hooks: NewsHooks;
  readonly #joined = new Map<string, Member>();
  readonly #changed = new Map<string, Member>();
  readonly #left = new Set<string>();
  /** Somebody was shown the roster since the last frame, with those who joined since. */
  #isShown = false;
  #toldAt = 0;
  #told: string;
  #isWaiting = false;

  constructor(
    ports: { clock: Clock; timers: Timers },
    about: { channel: string; roster: Roster; detailMax: number },
    hooks: NewsHooks,
  ) {
    this.#ports = ports;
    this.#channel = about.channel;
    this.#roster = about.roster;
    this.#detailMax = about.detailMax;
    this.#hooks = hooks;
    this.#told = about.roster.digest;
  }

  /** The roster as it was last told; after sleep, as it was found. */
  get told(): string {
    return this.#told;
  }

  /** Whether something is told at the end of the tick. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** The roster was read from rows: nothing of that is news. */
  begin(): void {
    this.#told = this.#roster.digest;
  }

  /** Takes note of one change. */
  add(change: RosterChange): void {
    switch (change.is) {
      case "joined":
        // Whoever left within this tick and is back was never away.
        if (this.#left.delete(change.member.user)) this.#changed.set(change.member.user, change.member);
        else this.#joined.set(change.member.user, change.member);
        break;
      case "changed":
        if (this.#joined.has(change.member.user)) this.#joined.set(change.member.user, change.member);
        else this.#changed.set(change.member.user, change.member);
        break;
      case "left":
        this.#changed.delete(change.user);
        if (!this.#joined.delete(change.user) || this.#isShown) this.#left.add(change.user);
        break;
      case "nothing":
        break;
    }
  }

  /** Somebody is shown the roster as it is: whoever leaves from now on has been seen. */
  shown(): void {
    this.#isShown = true;
  }

  /** To be called once all changes of a turn are noted: tells now, or at the end of the tick. */
  flush(): void {
    if (this.#isEmpty || this.#isWaiting) return;
    const elapsed = this.#ports.clock.now() - this.#toldAt;
    if (elapsed < 0 || elapsed >= TICK_MS) return this.#tellAll(); // a clock that went back must not hold news up
    this.#isWaiting = true;
    this.#ports.timers.after(TICK_MS - elapsed, () => {
      this.#isWaiting = false;
      this.#tellAll();
    });
    this.#hooks.waits();
  }

  get #isEmpty(): boolean {
    return this.#joined.size + this.#changed.size + this.#left.size === 0;
  }

  #tellAll(): void {
    if (this.#isEmpty) return; // who came within the tick has left within it
    this.#toldAt = this.#ports.clock.now();
    this.#isShown = false;
    const frame: RosterFrame = { type: "members", channel: this.#channel, count: this.#roster.count };
    if (this.#roster.count <= this.#detailMax) Object.assign(frame, this.#detail());
    this.#joined.clear();
    this.#changed.clear();
    this.#left.clear();
    const step = { before: this.#told, after: this.#roster.digest };
    this.#told = step.after;
    this.#hooks.tell(JSON.stringify(frame), step);
  }

  #detail(): Pick<RosterFrame, "joined" | "left" | "changed"> {
    return {
      joined: [...this.#joined.values()],
      left: [...this.#left].map((user) => ({ user })),
      changed: [...this.#changed.values()],
    };
  }
}
