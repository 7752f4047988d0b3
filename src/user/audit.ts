import type { Audited, AuditRequest, KeptForUser, SweepPart } from "../objects/auditing.ts";
import type { Clock, Log, Objects } from "../objects/ports.ts";
import { SinceWaking } from "../objects/since-waking.ts";
import type { Rooms } from "./rooms.ts";
import { SubscriptionAudit } from "./subscriptions/subscription-audit.ts";

/** As far as an audit goes. */
type Audit = Pick<
  Rooms,
  "due" | "listing" | "standing" | "sessions" | "endings" | "activity" | "watches" | "directs" | "subscribing"
> & { settle(): void };

const ALL_AGREE = { differences: 0, removed: 0, unanswered: 0 };

/**
 * Looks after one user because the directory lists it, whatever its own alarm does: what is due is done, it tells
 * anew what it is, and what some others know of it is compared. Where all agree nothing is written.
 */
export class UserAudit {
  readonly #rooms: Audit;
  readonly #subscriptions: SubscriptionAudit;
  readonly #removed: SinceWaking;

  constructor(ports: { clock: Clock; objects: Objects; log: Log }, rooms: Audit) {
    this.#rooms = rooms;
    this.#subscriptions = new SubscriptionAudit(ports, () => rooms.subscribing.settled());
    this.#removed = new SinceWaking(ports.clock, () => ({
      sessions: rooms.endings.endedSoFar,
      watches: rooms.watches.watching.expiredSoFar,
      subscriptions: 0,
      messages: rooms.directs.deletedSoFar,
    }));
  }

  async run({ parts, turn }: AuditRequest): Promise<Audited> {
    const rooms = this.#rooms;
    const removedBy = this.#removed.begin();
    rooms.due.fire();
    const removed = removedBy();
    const owedSince = rooms.due.backlog().oldestAt;
    if (parts.includes("presences")) rooms.listing.telling.confirm();
    rooms.settle();
    const isAsked = (part: SweepPart) => parts.includes(part);
    const [sessions, watches, subscriptions] = await Promise.all([
      isAsked("sessions") ? rooms.activity.confirm() : 0,
      isAsked("watches") ? rooms.watches.pairs.compare(turn) : ALL_AGREE,
      isAsked("subscriptions") ? this.#subscriptions.compare(turn) : ALL_AGREE,
    ]);
    return {
      isHere: rooms.standing.presence().status !== "offline",
      removed: {
        ...removed,
        sessions: removed.sessions + sessions,
        watches: removed.watches + watches.removed,
      },
      differences: {
        sessions,
        watches: watches.differences,
        subscriptions: subscriptions.differences,
      },
      unanswered: watches.unanswered + subscriptions.unanswered,
      owedSince,
    };
  }

  /** An end that is owed says by itself that the session is over. */
  unclaimed({ channel, sessions, subscribed }: KeptForUser): string[] {
    const { sessions: own, endings, subscribing } = this.#rooms;
    const isUnclaimed = (session: string) => own.findLive(session) === undefined && !endings.owes(session);
    return [...sessions.filter(isUnclaimed), ...subscribing.unclaimed(channel, subscribed)];
  }
}
