import type { Settings } from "../config.ts";
import type { Connections } from "../connections/connections.ts";
import type { Duty } from "../objects/due-times.ts";
import type { Clock, Ports, Sql } from "../objects/ports.ts";
import { PublishKeys } from "../objects/publish-keys.ts";
import { CatchUp, type CatchUpRules } from "./log/catch-up.ts";
import { MessageLog } from "./log/message-log.ts";
import { Messages } from "./log/messages.ts";
import type { KeptSessions } from "./roster/kept-sessions.ts";
import type { MemberStates } from "./roster/member-states.ts";
import type { Members } from "./roster/members.ts";
import type { SessionRow } from "./roster/session-table.ts";
import { Standing } from "./standing.ts";
import { Forwarding, LOOK_AFTER_MS } from "./subscribers/forwarding.ts";
import { type SubscriberRules, Subscribers } from "./subscribers/subscribers.ts";

/** So long ago something may have been said that a crash cut off: far more than it takes an alarm to look after it. */
const RECENT_MS = 60_000;

interface About {
  channel: string;
  settings: Settings;
  sql: Sql;
  connections: Connections;
  members: Members;
  sessions: KeptSessions;
  states: MemberStates;
}

/** All that has to do with what is said in a channel, put together: its log, its keys, and who is told of it. */
export class Talk {
  readonly log: MessageLog;
  readonly messages: Messages;
  readonly standing: Standing;
  readonly catchUp: CatchUp;
  readonly forwarding: Forwarding;
  readonly subscribers: Subscribers;
  /** What the log and its keys keep no longer, and who still reads what it missed. */
  readonly duties: readonly Duty[];
  readonly #keys: PublishKeys;
  readonly #clock: Clock;
  readonly #sessions: KeptSessions;
  readonly #states: MemberStates;
  /** The alarm that it woke with; one that has fired is none. */
  readonly #found: "none" | "soon" | "later";

  constructor(
    ports: Omit<Ports, "sql">,
    about: About,
    rules: CatchUpRules & SubscriberRules & { gone(session: string): void },
  ) {
    const { channel, settings, sql, connections, members, sessions, states } = about;
    this.#clock = ports.clock;
    this.#sessions = sessions;
    this.#states = states;
    const alarmAt = ports.alarm.at();
    this.#found = alarmAt === null ? "none" : alarmAt <= ports.clock.now() + LOOK_AFTER_MS ? "soon" : "later";
    this.log = new MessageLog(channel, { ...ports, sql }, settings);
    this.#keys = new PublishKeys(sql, ports.clock);
    const log = this.log;
    this.catchUp = new CatchUp(ports, { log, connections }, rules);
    const catchUp = this.catchUp;
    const keys = this.#keys;
    const source = {
      channel,
      subscribed: () => sessions.subscribed,
      epoch: () => log.knownEpoch,
      top: () => log.top,
      roster: () => members.rosterTold,
      isTelling: () => members.isTelling,
    };
    this.forwarding = new Forwarding({ ...ports, sql }, source, {
      due: () => rules.due(),
      gone: (session, order) => {
        if (sessions.live(session)?.order === order) rules.gone(session);
      },
    });
    const forwarding = this.forwarding;
    this.subscribers = new Subscribers(ports.clock, settings, { sessions, members, log, forwarding }, rules);
    this.messages = new Messages(
      channel,
      { log, keys, connections, catchUp },
      { due: () => rules.due(), said: (said) => forwarding.tell(said) },
    );
    this.standing = new Standing(ports.clock, { channel, settings }, { members, log, catchUp });
    this.duties = [log.retention, keys, catchUp, forwarding, forwarding.outbox];
  }

  /** Woken just before an alarm: perhaps the one that looks after what a crash cut off. */
  awake(): void {
    if (this.#found === "soon") this.#tellWhereItStands();
  }

  /** The alarm fired. Where it is what woke us, it may be that one. */
  alarm(): void {
    if (this.#found === "none" && !this.forwarding.hasSpoken) this.#tellWhereItStands();
  }

  /** Everybody who is subscribed finds out what is missing, if anything was said or has changed a moment ago. */
  #tellWhereItStands(): void {
    if (this.#sessions.subscribed.size === 0) return;
    const since = this.#clock.now() - RECENT_MS;
    const isRecent = ({ connectedAt, changedAt = 0, end }: SessionRow) =>
      Math.max(connectedAt, changedAt) >= since || end !== null;
    const saidAt = Math.max(this.log.newestAt ?? 0, this.#states.newestAt);
    if (saidAt >= since || [...this.#sessions.all()].some(isRecent)) this.forwarding.announce();
  }

  /** Everything said is forgotten: what comes next begins a new epoch. */
  forget(): void {
    this.forwarding.forget();
    this.log.forget();
    this.#keys.forget();
  }
}
