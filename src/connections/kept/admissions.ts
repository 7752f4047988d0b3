import type { Settings } from "../../config.ts";
import type { Duty } from "../../objects/due-times.ts";
import type { Clock, ConnectRequest, KeeperName, Log, MemberState, Objects } from "../../objects/ports.ts";
import { type Refusal, refusal } from "../../protocol/codes.ts";

/** Refused by the user's object; or `unknown`: it did not answer, and may have admitted. */
export type Refused = { is: "refused" | "unknown"; refusal: Refusal };
/** `member` is how the user appears from now on. */
export type Answered = Refused | { is: "admitted"; member: MemberState };

/**
 * Sessions that wait for their user's object. They count as alive, so that no check in between ends them;
 * the list is in memory, because a crash ends the waiting and the session with it.
 */
export class Admissions implements Duty {
  readonly name = "admissions";
  readonly #ports: { clock: Clock; objects: Objects; log: Log };
  readonly #patienceMs: number;
  readonly #onAbandoned: (session: string) => void;
  readonly #waiting = new Map<string, number>();

  constructor(
    ports: { clock: Clock; objects: Objects; log: Log },
    settings: Settings,
    onAbandoned: (session: string) => void,
  ) {
    this.#ports = ports;
    this.#patienceMs = settings.SESSION_TTL_SECONDS * 1000;
    this.#onAbandoned = onAbandoned;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  begin(session: string, connectedAt: number): void {
    this.#waiting.set(session, connectedAt);
  }

  /** The waiting is over; false when there was none. */
  finish(session: string): boolean {
    return this.#waiting.delete(session);
  }

  /** Asks the user's object. */
  async ask(session: string, keeper: KeeperName, request: ConnectRequest): Promise<Answered> {
    const { claims, user, recover: _, rewind: __, ...rest } = request;
    const connectedAt = this.#waiting.get(session) ?? this.#ports.clock.now();
    try {
      const asked = { ...rest, session, keeper, connectedAt, issuedAt: claims.iat ?? null };
      const admission = await this.#ports.objects.user(user).admit(asked);
      if (!admission.admitted) return { is: "refused", refusal: admission.refused };
      return { is: "admitted", member: admission.member };
    } catch (cause) {
      this.#ports.log.warn("user did not answer", { session }, cause);
      return { is: "unknown", refusal: refusal("unavailable", "try again in a moment") };
    }
  }

  nextAt(): number | null {
    for (const since of this.#waiting.values()) return since + this.#patienceMs; // the oldest: they came in this order
    return null;
  }

  /** Gives up those that have waited for a whole TTL. */
  run(now: number): void {
    for (const [session, since] of [...this.#waiting]) {
      if (since + this.#patienceMs <= now) this.#onAbandoned(session);
    }
  }
}
