import type { Settings } from "../config.ts";
import { fromConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import { CatchUp, type CatchUpRules, type Pages } from "../connections/kept/catch-up.ts";
import { ChannelGrants } from "../connections/kept/channel-grants.ts";
import { Hearers } from "../connections/kept/hearers.ts";
import type { KeptSessions } from "../connections/kept/kept-sessions.ts";
import type { MemberStates } from "../connections/kept/member-states.ts";
import type { SessionRow } from "../connections/kept/session-table.ts";
import type { Duty } from "../objects/due-times.ts";
import type { Clock, Ports, Sql } from "../objects/ports.ts";
import { PublishKeys } from "../objects/publish-keys.ts";
import type { Said } from "../objects/subscribing.ts";
import { ExportedMessages, forgetExported } from "./log/exported-messages.ts";
import { MessageLog } from "./log/message-log.ts";
import { frameOf } from "./log/message-text.ts";
import { Messages } from "./log/messages.ts";
import { type RelayCallRooms, RelayCalls } from "./relays/relay-calls.ts";
import { RelayTargets } from "./relays/relay-targets.ts";
import type { Relays } from "./relays/relays.ts";
import type { Members } from "./roster/members.ts";
import { Standing } from "./standing.ts";
import { Forwarding, LOOK_AFTER_MS } from "./subscribers/forwarding.ts";
import { PushDebtTable } from "./subscribers/push-debt-table.ts";
import { SubscribedUsers } from "./subscribers/subscribed-users.ts";
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
  relays: Relays;
}

/** All that has to do with what is said in a channel, put together: its log, its keys, and who is told of it. */
export class Talk {
  readonly log: MessageLog;
  readonly messages: Messages;
  readonly standing: Standing;
  readonly catchUp: CatchUp;
  /** To users who are subscribed by connections of their own. */
  readonly forwarding: Forwarding;
  readonly relaying: Forwarding;
  readonly relayCalls: RelayCalls;
  /** Messages on their way to back ends; undefined where none go there. */
  readonly exported: ExportedMessages | undefined;
  readonly subscribers: Subscribers;
  /** What the log and its keys keep no longer, and who still reads what it missed. */
  readonly duties: readonly Duty[];
  readonly #keys: PublishKeys;
  readonly #clock: Clock;
  readonly #sessions: KeptSessions;
  readonly #states: MemberStates;
  readonly #relays: Relays;
  readonly #hearers: Hearers;
  /** The alarm that it woke with; one that has fired is none. */
  readonly #found: "none" | "soon" | "later";

  constructor(
    ports: Omit<Ports, "sql">,
    about: About,
    rules: CatchUpRules &
      SubscriberRules &
      Pick<RelayCallRooms, "refusalOf"> & {
        gone(session: string): void;
        /** Messages wait to be exported; absent where none are. */
        kickExports?: (() => void) | undefined;
      },
  ) {
    const { channel, settings, sql, connections, members, sessions, states, relays } = about;
    this.#relays = relays;
    this.#clock = ports.clock;
    this.#sessions = sessions;
    this.#states = states;
    const alarmAt = ports.alarm.at();
    this.#found = alarmAt === null ? "none" : alarmAt <= ports.clock.now() + LOOK_AFTER_MS ? "soon" : "later";
    this.log = new MessageLog(channel, { ...ports, sql }, settings);
    this.#keys = new PublishKeys(sql, ports.clock);
    const log = this.log;
    if (rules.kickExports !== undefined)
      this.exported = new ExportedMessages({ ...ports, sql }, this.log, rules.kickExports);
    else forgetExported(sql);
    const pages: Pages = {
      after: (connection, offset, most) => {
        const piece = log.after(offset, most, fromConnection(connection));
        return piece && { ...piece, frames: piece.texts.map(frameOf) };
      },
    };
    this.catchUp = new CatchUp(ports, { pages, connections }, rules);
    const catchUp = this.catchUp;
    this.#hearers = new Hearers(channel, {
      connections,
      catchUp,
      grants: new ChannelGrants(channel, settings),
    });
    const keys = this.#keys;
    const source = {
      channel,
      epoch: () => log.knownEpoch,
      top: () => log.top,
      roster: () => members.rosterTold,
      isTelling: () => members.isTelling,
    };
    const due = () => rules.due();
    const isRelay = (target: string) => target.includes("/"); // no user's id has one
    const users = new SubscribedUsers(
      ports.objects,
      () => sessions.subscribed,
      (session, order) => {
        if (sessions.live(session)?.order === order) rules.gone(session);
      },
    );
    const debtsOfUsers = new PushDebtTable(sql, (target) => !isRelay(target));
    this.forwarding = new Forwarding("users", ports, { source, targets: users, debts: debtsOfUsers }, due);
    const targets = new RelayTargets(ports.objects, relays.members, (relay, isEmpty) =>
      relays.answered(relay, isEmpty),
    );
    const debts = new PushDebtTable(sql, isRelay);
    this.relaying = new Forwarding("relays", ports, { source, targets, debts }, due);
    const forwarding = this.forwarding;
    this.subscribers = new Subscribers(ports.clock, settings, { sessions, members, log, forwarding }, rules);
    this.messages = new Messages(
      channel,
      { log, keys },
      {
        due: () => rules.due(),
        said: (said) => {
          ports.tally.count(said.is === "message" ? "said message" : "said signal"); // of rosters others tell
          this.tell(said);
        },
        stored: (offset) => this.exported?.stored(offset),
      },
    );
    this.relayCalls = new RelayCalls({
      ...{ clock: ports.clock, log, members, messages: this.messages },
      warn: (...warning) => ports.log.warn(...warning),
      refusalOf: (caller) => rules.refusalOf(caller),
    });
    this.standing = new Standing(ports.clock, { channel, settings }, { members, log, catchUp });
    const told = [forwarding, forwarding.outbox, this.relaying, this.relaying.outbox];
    this.duties = [log.retention, keys, catchUp, ...told];
  }

  /** Whether anybody hears of it elsewhere. */
  get isHeardElsewhere(): boolean {
    return this.forwarding.hasTargets || this.relaying.hasTargets;
  }

  /** To all who hear of the channel, here and elsewhere. */
  tell(said: Said, rosterBefore?: string): void {
    this.#hearers.tell(said);
    this.forwarding.tell(said, rosterBefore);
    this.relaying.tell(said, rosterBefore);
  }

  /** Something is told in a moment. */
  expect(): void {
    this.forwarding.expect();
    this.relaying.expect();
  }

  /** Woken just before an alarm: perhaps the one that looks after what a crash cut off. */
  awake(): void {
    if (this.#found === "soon") this.#tellWhereItStands();
  }

  /** The alarm fired. Where it is what woke us, it may be that one. */
  alarm(): void {
    if (this.#found === "none") this.#tellWhereItStands();
  }

  /** Everybody who hears of it elsewhere finds out what is missing, if anything was said or has changed a moment ago. */
  #tellWhereItStands(): void {
    const silent = [this.forwarding, this.relaying].filter(
      ({ hasSpoken, hasTargets }) => hasTargets && !hasSpoken,
    );
    if (silent.length === 0) return;
    const since = this.#clock.now() - RECENT_MS;
    const isRecent = ({ connectedAt, changedAt = 0, end }: SessionRow) =>
      Math.max(connectedAt, changedAt) >= since || end !== null;
    const { newestAt } = this.#relays.members;
    const saidAt = Math.max(this.log.newestAt ?? 0, this.#states.newestAt, newestAt);
    if (saidAt < since && ![...this.#sessions.all()].some(isRecent)) return;
    for (const forwarding of silent) forwarding.announce();
  }

  /** Everything said stays, in a new epoch. */
  renew(): void {
    this.forwarding.forget();
    this.relaying.forget();
    this.log.renew();
  }

  /** Everything said is forgotten: what comes next begins a new epoch. */
  forget(): void {
    this.forwarding.forget();
    this.relaying.forget();
    this.log.forget();
    this.exported?.forget();
    this.#keys.forget();
  }
}
