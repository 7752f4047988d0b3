import type { Connections } from "../connections/connections.ts";
import type { Endings } from "../connections/kept/endings.ts";
import type { KeptSessions } from "../connections/kept/kept-sessions.ts";
import { mapAtMost } from "../objects/at-most.ts";
import {
  type Audited,
  type AuditRequest,
  addNumbers,
  type KeptForUser,
  nothingRemoved,
  someOf,
} from "../objects/auditing.ts";
import type { DueTimes } from "../objects/due-times.ts";
import type { Clock, Log, Objects } from "../objects/ports.ts";
import { SinceWaking } from "../objects/since-waking.ts";
import { CLOSE } from "../protocol/close-codes.ts";
import type { Listing } from "./listing.ts";
import type { Members } from "./roster/members.ts";
import type { Talk } from "./talk.ts";

/** Users whose objects one audit asks. */
const MOST_COMPARED = 5;

interface Rooms {
  channel: string;
  sessions: KeptSessions;
  connections: Connections;
  endings: Endings;
  members: Members;
  listing: Listing;
  talk: Talk;
  due: DueTimes;
}

/**
 * Looks after one channel because the directory lists it, whatever its own alarm does. A user's object decides which
 * sessions it has: one that it has lost is shown in the roster and nowhere else, and is told to come back. Where all
 * agree nothing is written. Who is at a relay is compared from the user's side only.
 */
export class ChannelAudit {
  readonly #ports: { objects: Objects; clock: Clock; log: Log };
  readonly #rooms: Rooms;
  readonly #removed: SinceWaking;
  readonly #settle: () => void;

  constructor(ports: { objects: Objects; clock: Clock; log: Log }, rooms: Rooms, settle: () => void) {
    this.#ports = ports;
    this.#rooms = rooms;
    this.#settle = settle;
    const { sessions, talk } = rooms;
    this.#removed = new SinceWaking(ports.clock, () => {
      return { ...nothingRemoved(), ...sessions.endedSoFar, messages: talk.log.retention.deletedSoFar };
    });
  }

  async run({ parts, turn }: AuditRequest): Promise<Audited> {
    const { due, listing, members } = this.#rooms;
    const removedBy = this.#removed.begin();
    due.fire();
    const removed = removedBy();
    const owedSince = due.backlog().oldestAt;
    if (parts.includes("presences")) listing.telling.confirm();
    this.#settle();
    const differences = { sessions: 0, watches: 0, subscriptions: 0 };
    const asked = this.#some(turn, parts.includes("sessions"), parts.includes("subscriptions"));
    let unanswered = 0;
    await mapAtMost(MOST_COMPARED, asked, async ([user, kept]) => {
      try {
        addNumbers(differences, this.#giveUp(kept, await this.#ports.objects.user(user).unclaimed(kept)));
      } catch (cause) {
        this.#ports.log.warn("sessions not compared", {}, cause);
        unanswered += 1;
      }
    });
    addNumbers(removed, differences);
    return { isHere: members.counts.members > 0, removed, differences, unanswered, owedSince };
  }

  /** Where nothing newer was said of them meanwhile. */
  #giveUp({ subscribed }: KeptForUser, unclaimed: readonly string[]) {
    const { sessions, connections, endings } = this.#rooms;
    const gone = { sessions: 0, subscriptions: 0 };
    for (const session of unclaimed) {
      const row = sessions.live(session);
      const connection = connections.find(session);
      if (row === undefined || row.order !== subscribed[session]) continue;
      if (row.order !== undefined) {
        gone.subscriptions += 1;
        endings.endSubscription(session, this.#ports.clock.now(), "lost");
      } else if (connection !== undefined) {
        gone.sessions += 1;
        endings.endConnection(connection, CLOSE.tryAgain, "session unknown", "lost");
      }
    }
    return gone;
  }

  /** A session whose admission is under way is not known by its user yet. */
  #some(turn: number, own: boolean, subscribed: boolean): [user: string, kept: KeptForUser][] {
    const { channel, sessions, connections } = this.#rooms;
    const users = [...sessions.users()].sort();
    const wanted = new Map(
      someOf(users.length, MOST_COMPARED, turn).map((index): [string, KeptForUser] => {
        return [users[index] ?? "", { channel, sessions: [], subscribed: {} }];
      }),
    );
    for (const { session, user, order, end } of sessions.all()) {
      const kept = wanted.get(user);
      if (kept === undefined || end !== null) continue;
      if (order !== undefined && subscribed) kept.subscribed[session] = order;
      if (order === undefined && own && connections.find(session) !== undefined) kept.sessions.push(session);
    }
    const isAsked = ({ sessions: live, subscribed: orders }: KeptForUser) =>
      live.length > 0 || Object.keys(orders).length > 0;
    return [...wanted].filter(([, kept]) => isAsked(kept));
  }
}
