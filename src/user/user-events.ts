import type { Settings } from "../config.ts";
import { eventId } from "../events/event-id.ts";
import { exportedBy, Outgoing } from "../events/outgoing.ts";
import type { NewEvent } from "../events/queue-text.ts";
import type { Duty } from "../objects/due-times.ts";
import type { Background, Clock, EventQueue, Log, Sql } from "../objects/ports.ts";
import type { Presence } from "../protocol/presence.ts";
import { directText } from "./inbox/direct-text.ts";
import type { UnfetchedEvents } from "./inbox/directs.ts";
import type { QueuedMessage } from "./inbox/inbox-message-table.ts";
import type { SessionNews, StandingEvents } from "./presence/standing.ts";

interface UserEventPorts {
  sql: Sql;
  clock: Clock;
  background: Background;
  log: Log;
  events?: EventQueue;
}

/** What back ends are told of one user. What one change comes to is one row. */
export class UserEvents implements StandingEvents, UnfetchedEvents {
  readonly #user: string;
  readonly #clock: Clock;
  readonly #outgoing: Outgoing;

  /** Undefined where nothing is exported: then nothing is written either. `due` as in `Exports`. */
  static of(
    ports: UserEventPorts,
    settings: Settings,
    user: string,
    due: () => void,
  ): UserEvents | undefined {
    const patterns = exportedBy(settings);
    return patterns && new UserEvents(user, ports.clock, new Outgoing(ports, patterns, due));
  }

  private constructor(user: string, clock: Clock, outgoing: Outgoing) {
    this.#user = user;
    this.#clock = clock;
    this.#outgoing = outgoing;
  }

  get duty(): Duty {
    return this.#outgoing.exports;
  }

  get hasSessions(): boolean {
    return this.#outgoing.wants("session.started") || this.#outgoing.wants("session.ended");
  }

  get hasExpired(): boolean {
    return this.#outgoing.wants("direct.expired");
  }

  changed({ session, presence }: { session?: SessionNews & { version: number }; presence?: Presence }): void {
    const events: NewEvent[] = [];
    if (session !== undefined) events.push(this.#ofSession(session));
    if (presence !== undefined) events.push(this.#ofPresence(presence));
    this.#outgoing.add(events);
  }

  expired(messages: readonly QueuedMessage[], epoch: string): void {
    const at = this.#clock.now();
    const events = messages.map((message): NewEvent => {
      const dataJson = `{"user":${JSON.stringify(this.#user)},${directText(epoch, message).slice(1)}`;
      return { id: eventId("direct.expired", epoch, message.seq), type: "direct.expired", at, dataJson };
    });
    this.#outgoing.add(events);
  }

  /** A session begins and ends once, so its id names both. */
  #ofSession({ version, row, ...news }: SessionNews & { version: number }): NewEvent {
    const { session: id, keeper, device, transport, connectedAt, region } = row;
    const channel = keeper.kind === "channel" ? { channel: keeper.channel } : {};
    const at = news.is === "ended" ? news.at : connectedAt;
    const session = { id, user: this.#user, device, transport, ...channel, connectedAt, lastSeenAt: at };
    const reason = news.is === "ended" ? { reason: news.reason } : {};
    const dataJson = JSON.stringify({
      ...session,
      ...(region !== undefined && { region }),
      version,
      ...reason,
    });
    const type = `session.${news.is}` as const;
    return { id: eventId(type, id), type, at, dataJson };
  }

  /** By its time too: after a loss of its storage a user's versions begin anew. */
  #ofPresence(presence: Presence): NewEvent {
    const at = this.#clock.now();
    const type = "presence.changed";
    const id = eventId(type, this.#user, presence.version ?? 0, at);
    return { id, type, at, dataJson: JSON.stringify(presence) };
  }
}
