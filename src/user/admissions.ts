import type { Admission, AdmitRequest, Allowance, AllowRequest, Clock } from "../objects/ports.ts";
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

  constructor(rooms: Rooms, turn: { ready(): void; settle(): void }) {
    this.#rooms = rooms;
    this.#turn = turn;
  }

  /** Admitting twice changes nothing. Of too many sessions the oldest give way. */
  admit(request: AdmitRequest): Admission {
    const { standing, sessions, endings, watches } = this.#rooms;
    this.#turn.ready();
    const refused = sessions.refusalFor(request);
    if (refused !== undefined) return { admitted: false, refused };
    if (sessions.findLive(request.session) === undefined) {
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
