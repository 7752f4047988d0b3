import type { Settings } from "../../config.ts";
import type { KeptSessions } from "../../connections/kept/kept-sessions.ts";
import type { SessionRow } from "../../connections/kept/session-table.ts";
import type { Clock, EndReason } from "../../objects/ports.ts";
import type {
  LogFrames,
  ReadRequest,
  Subscribed,
  SubscribeRequest,
  SubscriberDevice,
  UnsubscribeRequest,
} from "../../objects/subscribing.ts";
import { type Refusal, refusal } from "../../protocol/codes.ts";
import { firstPage } from "../log/first-page.ts";
import type { MessageLog } from "../log/message-log.ts";
import { frameOf } from "../log/message-text.ts";
import type { Members } from "../roster/members.ts";

const ROWS_PER_PAGE = 500;

interface Rooms {
  sessions: KeptSessions;
  members: Members;
  log: MessageLog;
  forwarding: { announce(users: Iterable<string>): void; nextNumber(user: string): number };
}

/** What the channel does about subscribed sessions. */
export interface SubscriberRules {
  /** A session begins that ended before. */
  begins(session: string): void;
  ended(session: string, at: number, reason: EndReason): void;
}

/**
 * Sessions of user connections that are subscribed here. Each is a row as any other session's, so roster, grace
 * and removals follow; its socket is at the user's object, which says when it ends. Whoever begins is told where
 * the channel stands at once: where a late call has made it begin, its user's object answers that it is gone.
 */
export class Subscribers {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #rooms: Rooms;
  readonly #rules: SubscriberRules;

  constructor(clock: Clock, settings: Settings, rooms: Rooms, rules: SubscriberRules) {
    this.#clock = clock;
    this.#most = settings.SUBSCRIBED_USERS_MAX;
    this.#rooms = rooms;
    this.#rules = rules;
  }

  /** Begins where it has not begun, and reads what was missed in the same turn: nothing comes between that and what is told. */
  subscribe(request: SubscribeRequest): Subscribed | Refusal {
    const { session, order, device } = request;
    const row = this.#rooms.sessions.find(session);
    const isLive = row?.end === null;
    const refused = isLive ? undefined : this.#refusalOf(request, row);
    if (refused !== undefined) return refused;
    if (!isLive) this.#begin(request, row !== undefined);
    else if ((row.order ?? 0) < order) this.#change(row, { order, device });
    return this.#stand(request);
  }

  /** What is older than what is known changes nothing. */
  unsubscribe({ session, order, at, reason }: UnsubscribeRequest): void {
    const row = this.#rooms.sessions.live(session);
    if (row?.order !== undefined && row.order <= order) this.#rules.ended(session, at, reason);
  }

  setDevice({ session, order, device }: SubscriberDevice): void {
    const row = this.#rooms.sessions.live(session);
    if (row?.order !== undefined && row.order < order) this.#change(row, { order, device });
  }

  /** Null where this session can't go on from there. */
  read({ session, reader, after, events, maxBytes }: ReadRequest): LogFrames | null {
    const { sessions, log } = this.#rooms;
    if (sessions.live(session)?.order === undefined || after.epoch !== log.knownEpoch) return null;
    const piece = log.after(after.offset, { rows: ROWS_PER_PAGE, bytes: maxBytes }, reader, events);
    if (piece === undefined) return null;
    const { texts, offset, bytes, isLast } = piece;
    return { frames: texts.map(frameOf), after: { epoch: after.epoch, offset }, bytes, isLast };
  }

  #refusalOf({ user, begun }: SubscribeRequest, ended: SessionRow | undefined): Refusal | undefined {
    const { subscribed } = this.#rooms.sessions;
    if ((ended?.order ?? 0) >= begun) return refusal("session_gone", "this subscription is over");
    if (!subscribed.has(user) && subscribed.size >= this.#most) {
      const message = `${this.#most} users are subscribed by user connections; connect to the channel itself`;
      return refusal("use_channel_connection", message);
    }
    return this.#rooms.sessions.isFullOf(user)
      ? refusal("unavailable", "too many sessions of this user ended a moment ago")
      : undefined;
  }

  #begin({ user, session, order, device, info, member }: SubscribeRequest, isAgain: boolean): void {
    const { sessions, members, log, forwarding } = this.#rooms;
    log.epoch(); // given now: whatever is told from here on speaks of it
    if (isAgain) this.#rules.begins(session);
    const connectedAt = this.#clock.now();
    const joinedAt = members.joinedAt(user) ?? connectedAt;
    const row = { session, user, device, ...(info && { info }), connectedAt, joinedAt, order, end: null };
    sessions.begin(row);
    members.admitted(user, member);
    members.put(row);
    forwarding.announce([user]);
  }

  #change({ session }: SessionRow, { order, device }: Pick<SubscribeRequest, "order" | "device">): void {
    const { sessions, members } = this.#rooms;
    sessions.setOrder(session, order);
    const row = sessions.setDevice(session, device, this.#clock.now());
    if (row !== undefined) members.put(row);
  }

  #stand({ user, session, device, events, ...wanted }: SubscribeRequest): Subscribed {
    const { log, members, forwarding } = this.#rooms;
    const reader = { user, session, ...(device.id && { device: device.id }) };
    const { place, first } = firstPage(log, this.#clock, wanted, reader, events);
    const { texts, offset: reached, bytes, isLast } = first;
    const stand = { ...members.firstPage(), roster: members.rosterTold, number: forwarding.nextNumber(user) };
    return { ...place, messagesJson: `[${texts.join(",")}]`, reached, bytes, isLast, ...stand };
  }
}
