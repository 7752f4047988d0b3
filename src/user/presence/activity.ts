import type { Settings } from "../../config.ts";
import type { Connections } from "../../connections/connections.ts";
import type { Duty } from "../../objects/due-times.ts";
import type { Background, Clock, Log, Objects } from "../../objects/ports.ts";
import { byKeeper, keeperOf, type OtherKeeper } from "./keepers.ts";
import type { SessionRow } from "./session-table.ts";
import type { Standing } from "./standing.ts";

/** An answer that did not come by then is asked for again; and then less and less often. */
const ASK_AGAIN_MS = 30_000;
const LONGEST_ASK_AGAIN_MS = 600_000;

/**
 * Whether the user does anything. Activity writes nothing: own connections carry it in their attachments,
 * channels in theirs. When the user has been idle here for `AWAY_AFTER_SECONDS`, the channels are asked, and
 * only if all say that they know of nothing later the user turns away: a row, and news. The next activity
 * turns it back. Where one does not answer the others are asked again with it, at a pause that grows with how
 * long that has been so: a count of tries would be lost on sleep, and the object would wake as often for ever.
 */
export class Activity implements Duty {
  readonly name = "away";
  readonly #ports: { clock: Clock; objects: Objects; background: Background; log: Log };
  readonly #awayMs: number;
  readonly #standing: Standing;
  readonly #connections: Connections;
  readonly #hooks: { gone(session: string): void; settled(): void };
  /** The latest that channels told of. Lost on sleep, and asked for again. */
  #heardOf = 0;
  #askAgainAt: number | null = null;

  constructor(
    ports: { clock: Clock; objects: Objects; background: Background; log: Log },
    settings: Settings,
    of: { standing: Standing; connections: Connections },
    hooks: { gone(session: string): void; settled(): void },
  ) {
    this.#ports = ports;
    this.#awayMs = settings.AWAY_AFTER_SECONDS * 1000;
    this.#standing = of.standing;
    this.#connections = of.connections;
    this.#hooks = hooks;
  }

  /** The latest activity that is known here, in milliseconds; 0 where none is. */
  get at(): number {
    let latest = Math.max(this.#heardOf, this.#standing.row().lastActiveAt ?? 0);
    for (const { activeAt } of this.#connections.all()) latest = Math.max(latest, activeAt);
    for (const { endedAt, connectedAt } of this.#standing.all()) {
      if (endedAt === null) latest = Math.max(latest, connectedAt);
    }
    return latest;
  }

  /** The user did something. */
  heard(at: number): void {
    this.#heardOf = Math.max(this.#heardOf, Math.min(at, this.#ports.clock.now()));
    const row = this.#standing.row();
    if (row.awaySince === null || this.#heardOf <= row.awaySince) return;
    this.#standing.writeRow({ ...row, awaySince: null, lastActiveAt: this.#lastActive(this.#heardOf) });
  }

  nextAt(): number | null {
    if (this.#awayMs === 0 || this.#live().length === 0) return null;
    if (this.#standing.presence().status !== "online") return null;
    return Math.max(this.at + this.#awayMs, this.#askAgainAt ?? 0);
  }

  run(now: number): void {
    const elsewhere = this.#keptElsewhere();
    if (elsewhere.length === 0) return this.#turnAway();
    const overdueMs = now - (this.at + this.#awayMs);
    this.#askAgainAt = now + Math.min(LONGEST_ASK_AGAIN_MS, Math.max(ASK_AGAIN_MS, overdueMs));
    this.#ports.background.run(this.#ask(elsewhere).then(() => undefined));
  }

  /**
   * Others are asked whether they still keep what they kept: who has lost its storage will never say that it is over.
   * Resolves with how many sessions were over.
   */
  async confirm(): Promise<number> {
    const elsewhere = this.#keptElsewhere();
    return elsewhere.length > 0 ? this.#ask(elsewhere) : 0;
  }

  /** What a channel does not keep any more is over, whatever became of the word of it. */
  async #ask(sessions: SessionRow[]): Promise<number> {
    const answers = await Promise.allSettled(byKeeper(sessions).map((asked) => this.#askOne(asked)));
    const live = this.#live().length;
    let isKnown = true;
    for (const answer of answers) {
      if (answer.status === "fulfilled") for (const session of answer.value) this.#hooks.gone(session);
      else {
        isKnown = false;
        this.#ports.log.warn("activity not known", { sessions: sessions.length }, answer.reason);
      }
    }
    const over = live - this.#live().length;
    if (isKnown) this.#askAgainAt = null;
    const isIdle = this.nextAt() !== null && this.at + this.#awayMs <= this.#ports.clock.now();
    if (isKnown && isIdle) this.#turnAway();
    this.#hooks.settled();
    return over;
  }

  /** Returns which of these sessions are not kept there. */
  async #askOne([keeper, sessions]: [OtherKeeper, string[]]): Promise<string[]> {
    const active = await keeperOf(this.#ports.objects, keeper).lastActive(sessions);
    for (const at of Object.values(active)) this.#heardOf = Math.max(this.#heardOf, at);
    return sessions.filter((session) => active[session] === undefined);
  }

  #turnAway(): void {
    const row = this.#standing.row();
    this.#standing.writeRow({ ...row, awaySince: this.at, lastActiveAt: this.#lastActive(this.at) });
  }

  #lastActive(at: number): number {
    return Math.max(this.#standing.row().lastActiveAt ?? 0, at);
  }

  #keptElsewhere(): SessionRow[] {
    return this.#live().filter(({ keeper }) => keeper.kind === "channel");
  }

  #live(): SessionRow[] {
    return this.#standing.all().filter(({ endedAt }) => endedAt === null);
  }
}
