import type { Connection } from "../connections/connection.ts";
import { fromConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import type { CatchUp } from "../connections/kept/catch-up.ts";
import type { ChannelGrants } from "../connections/kept/channel-grants.ts";
import type { Hearers } from "../connections/kept/hearers.ts";
import { FIRST_PAGE, REACH_WITHOUT_HISTORY_MS, type Wanted } from "../connections/kept/wanted.ts";
import type { Clock, LogPosition } from "../objects/ports.ts";
import type { Place, Standing } from "../objects/relaying.ts";
import { spliced } from "../objects/spliced.ts";
import type { Ref } from "../protocol/client-frames.ts";
import type { WelcomeFrame } from "../protocol/server-frames.ts";
import type { Feed } from "./feed.ts";

interface Rooms {
  connections: Connections;
  grants: ChannelGrants;
  catchUp: CatchUp;
  feed: Feed;
  hearers: Hearers;
}

/** A frame that says where a session stands: the first one, or the answer to `subscribe`. */
type Head = WelcomeFrame | { type: "subscribed"; ref?: Ref };

/** Where one session goes on, with the first page of what it missed. */
type Start = Pick<Place, "epoch" | "offset" | "recovered" | "messagesJson" | "reached" | "bytes">;

/**
 * Where sessions of this relay stand in their channel: told when they connect and when they ask, from what the
 * channel answered and the relay's own cache; and to all at once where the relay has missed something itself.
 */
export class Stands {
  readonly #clock: Clock;
  readonly #about: { channel: string; historySize: number; detailMax: number };
  readonly #rooms: Rooms;

  constructor(
    clock: Clock,
    about: { channel: string; historySize: number; detailMax: number },
    rooms: Rooms,
  ) {
    this.#clock = clock;
    this.#about = about;
    this.#rooms = rooms;
  }

  /** What the channel has to be asked of it: nothing, where nothing is wanted or this relay has it. */
  toAsk(wanted: Wanted): { wanted?: Wanted } {
    const { recover, rewind = 0 } = wanted;
    if (recover === undefined && rewind === 0) return {};
    return recover !== undefined && this.#has(recover, wanted.mayHistory) ? {} : { wanted };
  }

  /**
   * One frame with the first page of what it missed and of the roster; the rest follows, and then what is new.
   * False where the log is another by now: the session has to begin anew.
   */
  tell(
    connection: Connection,
    head: Head,
    { recover, isAsked }: { recover?: LogPosition | undefined; isAsked: boolean },
    { place, standing }: { place: Place; standing: Standing },
  ): boolean {
    const { catchUp, feed } = this.#rooms;
    const isOurs = recover !== undefined && !isAsked;
    const epoch = isOurs ? recover.epoch : place.epoch;
    if (feed.at === undefined || feed.at.epoch !== epoch || place.epoch !== epoch) return false;
    const start = isOurs ? this.#fromCache(connection, recover) : place;
    catchUp.stop(connection);
    connection.tell(this.#frame(connection, head, start, standing));
    this.#tellRosterSince(connection, standing);
    if (start.reached === feed.at.offset) return true;
    catchUp.begin(connection, start.reached, start.bytes);
    catchUp.go(connection);
    return true;
  }

  /** This relay has missed a change of the roster, or the log is another: everybody is shown how it stands. */
  tellAll(standing: Standing): void {
    const { connections, grants, catchUp, feed } = this.#rooms;
    const { at } = feed;
    if (standing.epoch === null) return;
    const recovered = at?.epoch === standing.epoch;
    if (!recovered) feed.restart(standing);
    const { epoch, offset } = recovered ? at : { epoch: standing.epoch, offset: standing.offset };
    if (recovered && standing.count > this.#about.detailMax) return this.#tellCount(standing);
    const start = { epoch, offset, recovered, messagesJson: "[]", reached: offset, bytes: 0 };
    for (const connection of [...connections.all()]) {
      if (recovered && !grants.mayUse(connection, "members")) continue;
      if (!recovered) catchUp.stop(connection);
      connection.tell(this.#frame(connection, { type: "subscribed" }, start, standing));
      if (recovered) this.#tellRosterSince(connection, standing);
    }
    feed.rosters.set(standing.roster);
  }

  /** Of so many only the count is ever told, and any frame about the roster makes good all that were missed. */
  #tellCount({ count, roster }: Standing): void {
    const { feed, hearers } = this.#rooms;
    const frame = JSON.stringify({ type: "members", channel: this.#about.channel, count });
    for (const text of [frame, ...(feed.rosters.since(roster) ?? [])]) hearers.tellOfRoster(text);
    feed.rosters.set(roster);
  }

  #has(recover: LogPosition, mayHistory: boolean): boolean {
    const { at, cache } = this.#rooms.feed;
    if (at?.epoch !== recover.epoch || recover.offset > at.offset) return false;
    if (recover.offset === at.offset) return true;
    if (!cache.holds(recover.offset) || recover.offset < at.offset - this.#about.historySize) return false;
    const since = mayHistory ? Number.NEGATIVE_INFINITY : this.#clock.now() - REACH_WITHOUT_HISTORY_MS;
    return (cache.timeOfFirst(recover.offset) ?? Number.NEGATIVE_INFINITY) >= since;
  }

  /** It was here when it was asked for; if it has left since, the rest is read page by page. */
  #fromCache(connection: Connection, { epoch, offset: from }: LogPosition): Start {
    const { at, cache } = this.#rooms.feed;
    const start = { epoch, offset: Math.max(at?.offset ?? from, from), recovered: true };
    if (!cache.holds(from)) return { ...start, messagesJson: "[]", reached: from, bytes: 0 };
    const reader = fromConnection(connection);
    const { frames, offset, bytes } = cache.after(from, FIRST_PAGE, reader, this.#clock.now());
    const messages = frames.map((frame) => {
      const { type: _, ...message } = JSON.parse(frame) as { type: string };
      return message;
    });
    return { ...start, messagesJson: JSON.stringify(messages), reached: offset, bytes };
  }

  #frame(connection: Connection, head: Head, start: Start, { count, members, cursor }: Standing): string {
    const { epoch, offset, recovered, messagesJson } = start;
    const mayHear = this.#rooms.grants.mayUse(connection, "members");
    const roster = mayHear ? { members, ...(cursor === undefined ? {} : { cursor }) } : {};
    const before = { ...head, channel: this.#about.channel, epoch, offset, recovered };
    return spliced(before, "messages", messagesJson, { count, ...roster });
  }

  /** What was told here while the answer was on its way: a repeat is harmless. */
  #tellRosterSince(connection: Connection, { roster }: Standing): void {
    const { grants, feed } = this.#rooms;
    if (!grants.mayUse(connection, "members")) return;
    for (const text of feed.rosters.since(roster) ?? []) connection.tell(text);
  }
}
