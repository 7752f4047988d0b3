import type { Settings } from "../config.ts";
import { tooManyConnects } from "../objects/held-off.ts";
import type { Admission, AdmitRequest, Allowance, AllowRequest, Clock } from "../objects/ports.ts";
import { RateLimit } from "../objects/rate-limit.ts";
import { CLOSE } from "../protocol/close-codes.ts";
import { refusal } from "../protocol/codes.ts";
import type { Counting } from "./counting.ts";
import type { Endings } from "./endings.ts";
import type { Activity } from "./presence/activity.ts";
import { memberOf } from "./presence/presence.ts";
import type { Sessions } from "./presence/sessions.ts";
import type { Standing } from "./presence/standing.ts";
import type { Watches } from "./watching/watches.ts";

interface Rooms {
  clock: Clock;
  standing: Standing;
  sessions: Sessions;
  endings: Endings;
  activity: Activity;
  watches: Watches;
  counting: Counting;
}

/** Whether a session of this user may begin, wherever it is kept, and whether a request with its token counts. */
export class Admissions {
  readonly #rooms: Rooms;
  readonly #turn: { ready(): void; settle(): void };
  /** How many may begin. In memory: who comes back so slowly that the object slept in between is no flood. */
  readonly #connects: RateLimit;

  constructor(rooms: Rooms, settings: Settings, turn: { ready(): void; settle(): void }) {
    this.#rooms = rooms;
    this.#turn = turn;
    const { CONNECTS_PER_SECOND, CONNECTS_BURST } = settings;
    this.#connects = new RateLimit(CONNECTS_PER_SECOND, CONNECTS_BURST, rooms.clock.now());
  }

  /**
   * Admitting twice changes nothing. Of too many sessions the oldest give way. What would be refused anyway counts
   * nothing: a token that was revoked keeps nobody out.
   */
  admit(request: AdmitRequest): Admission {
    const { clock, standing, sessions, endings, watches } = this.#rooms;
    this.#turn.ready();
    const refused = sessions.refusalFor(request);
    if (refused !== undefined) return { admitted: false, refused };
    if (sessions.findLive(request.session) === undefined) {
      const waitMs = this.#connects.take(clock.now());
      if (waitMs > 0) return { admitted: false, refused: tooManyConnects(waitMs) };
      sessions.change(() => {
        watches.watching.sessionBegins();
        endings.endAll(sessions.surplus(), CLOSE.replaced, "replaced");
        sessions.begin(request);
      });
      this.#turn.settle();
    }
    return { admitted: true, member: memberOf(standing.facts()) };
  }

  allow({ issuedAt, ticket, session }: AllowRequest): Allowance {
    const { sessions, activity, clock, counting } = this.#rooms;
    const refused = sessions.refusalOf(issuedAt, ticket);
    if (refused !== undefined) return { allowed: false, refused };
    const row = session === undefined ? undefined : counting.live().find((live) => live.session === session);
    if (session !== undefined && row === undefined) {
      return { allowed: false, refused: refusal("session_gone", "no live session of this user") };
    }
    if (ticket !== undefined) sessions.useUp(ticket);
    if (row !== undefined) activity.heard(clock.now());
    this.#turn.settle();
    const device = row?.device.id;
    return device === undefined ? { allowed: true } : { allowed: true, device };
  }
}
