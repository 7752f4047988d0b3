import type { Settings } from "../config.ts";
import type { EventSource } from "../events/exports.ts";
import { exportedBy, isExported, Outgoing } from "../events/outgoing.ts";
import type { Duty } from "../objects/due-times.ts";
import type { Background, Clock, EventQueue, Log, Sql } from "../objects/ports.ts";
import { MemberEvents } from "./roster/member-events.ts";
import { OccupiedTable } from "./roster/occupied-table.ts";

interface ChannelEventPorts {
  sql: Sql;
  clock: Clock;
  background: Background;
  log: Log;
  events?: EventQueue;
}

/** What back ends are told of one channel: who comes and goes, and what is said. */
export class ChannelEvents {
  /** Undefined where nobody is told of members. */
  readonly members: MemberEvents | undefined;
  /** Messages wait; undefined where nobody is told of them. */
  readonly kickMessages: (() => void) | undefined;
  readonly duties: readonly Duty[];
  readonly #sources: EventSource[] = [];

  /** Undefined where nothing is exported: then nothing is written either. `due` as in `Exports`. */
  static of(
    ports: ChannelEventPorts,
    settings: Settings,
    channel: string,
    due: () => void,
  ): ChannelEvents | undefined {
    const patterns = exportedBy(settings);
    return patterns && new ChannelEvents(ports, patterns, channel, due);
  }

  private constructor(
    ports: ChannelEventPorts,
    patterns: readonly string[],
    channel: string,
    due: () => void,
  ) {
    const outgoing = new Outgoing(ports, patterns, due, this.#sources);
    const hasMembers = ["member.joined", "member.left", "channel.occupied", "channel.vacated"] as const;
    if (hasMembers.some((type) => isExported(type, patterns))) {
      const occupied = new OccupiedTable(ports.sql);
      this.members = new MemberEvents(ports.clock, channel, occupied, (events) => outgoing.add(events));
    }
    if (isExported("message.published", patterns)) this.kickMessages = () => outgoing.exports.kick();
    this.duties = [outgoing.exports];
  }

  /** Where messages are read from: the log is there later than this. */
  addSource(messages: EventSource): void {
    this.#sources.push(messages);
  }
}
