import type { Settings } from "../config.ts";
import type { Connection } from "../connections/connection.ts";
import { Connections } from "../connections/connections.ts";
import { Renewals } from "../connections/renewals.ts";
import { Sweep } from "../connections/sweep.ts";
import { DueTimes } from "../objects/due-times.ts";
import { Database } from "../objects/migrations.ts";
import type { EndReason, Ports, UserPort } from "../objects/ports.ts";
import { CLOSE, type CloseCode } from "../protocol/close-codes.ts";
import { FIRST_PAGE_ROWS } from "../protocol/limits.ts";
import { Admissions } from "./admissions.ts";
import { UserAudit } from "./audit.ts";
import { ChannelFrames } from "./channel-frames.ts";
import { Counting } from "./counting.ts";
import { Endings } from "./endings.ts";
import { DirectFrames } from "./inbox/direct-frames.ts";
import { Directs } from "./inbox/directs.ts";
import { Listing } from "./listing.ts";
import { OwnFrames } from "./own-frames.ts";
import { Activity } from "./presence/activity.ts";
import { Sessions } from "./presence/sessions.ts";
import { Standing } from "./presence/standing.ts";
import { Statuses } from "./presence/statuses.ts";
import { View } from "./presence/view.ts";
import { RosterTells } from "./roster-tells.ts";
import { MIGRATIONS } from "./schema.ts";
import { Subscribing } from "./subscriptions/subscribing.ts";
import { UserEvents } from "./user-events.ts";
import { WatchFrames } from "./watching/watch-frames.ts";
import { Watches } from "./watching/watches.ts";

const UNSEEN_SWEEP_FACTOR = 10;

/** All that one user's object is made of, put together once: what each part tells the others of. */
export class Rooms {
  /** Undefined where nothing is exported. */
  readonly events: UserEvents | undefined;
  readonly standing: Standing;
  readonly sessions: Sessions;
  readonly statuses: Statuses;
  readonly activity: Activity;
  readonly endings: Endings;
  readonly rosterTells: RosterTells;
  readonly listing: Listing;
  readonly connections: Connections;
  readonly sweep: Sweep;
  readonly due: DueTimes;
  readonly view: View;
  readonly watches: Watches;
  readonly directs: Directs;
  readonly counting: Counting;
  readonly admissions: Admissions;
  readonly frames: OwnFrames;
  readonly watchFrames: WatchFrames;
  readonly subscribing: Subscribing;
  readonly audit: UserAudit;
  readonly #ttlMs: number;

  /** `me` is what others call: a user may watch itself. */
  constructor(ports: Ports, settings: Settings, name: string, me: UserPort) {
    this.#ttlMs = settings.SESSION_TTL_SECONDS * 1000;
    const sql = new Database(ports.sql, MIGRATIONS);
    this.events = UserEvents.of({ ...ports, sql }, settings, name, () => this.due.arm());
    this.standing = new Standing(name, sql, settings.OFFLINE_GRACE_SECONDS * 1000, {
      memberChanged: (before, after) => this.rosterTells.owe(before, after),
      changed: (before) => this.watches.notices.changed(before),
      ...(this.events && { events: this.events }),
    });
    this.rosterTells = new RosterTells(
      name,
      { ...ports, sql },
      () => this.standing.facts(),
      () => this.subscribing.sessionsByChannel(),
    );
    this.view = new View(name, this.standing, () => this.activity);
    this.sessions = new Sessions(this.standing, ports.clock, settings);
    this.statuses = new Statuses(this.standing, ports.clock);
    const cut = (connection: Connection, code: CloseCode, text: string, reason: EndReason) => {
      if (this.connections.find(connection.session) !== connection) return;
      this.endings.endOwn(connection, code, text, reason);
      this.settle();
    };
    const rules = {
      slow: (connection: Connection) => cut(connection, CLOSE.slowReader, "slow reader", "slow"),
      lost: (connection: Connection) => cut(connection, CLOSE.tryAgain, "something was lost", "lost"),
    };
    this.connections = new Connections(ports, settings, rules, FIRST_PAGE_ROWS);
    this.endings = new Endings({ ...ports, sql }, this.sessions, this.connections, (row) =>
      this.directs.ended(row),
    );
    const held = () => ({
      watches: this.watches.watching.size,
      watchers: this.watches.watchers.size,
      subscriptions: this.subscribing.size,
    });
    this.listing = new Listing(ports, settings, { standing: this.standing, held }, () => this.settle());
    const own = { name, standing: this.standing, connections: this.connections };
    this.activity = new Activity(ports, settings, own, {
      gone: (session) => this.endings.end(session, "lost"),
      settled: () => this.settle(),
    });
    const interval = () => this.sweepMs;
    this.sweep = new Sweep(ports, this.connections, interval, (ended) => {
      for (const { connection, reason } of ended) this.endings.end(connection.session, reason);
    });
    const turn = { ready: () => this.ready(), settle: () => this.settle() };
    const about = { ...own, me, sql, view: this.view };
    this.watches = new Watches(ports, settings, about, { ...turn, seen: () => this.sweep.quicken() });
    this.subscribing = new Subscribing({ ...ports, sql }, settings, own, {
      settled: () => {
        this.sweep.quicken();
        this.settle();
      },
      subscribed: (channel, member) => {
        this.rosterTells.subscribed(channel, member);
        this.settle(); // also where nobody asked but a reader that had missed something
      },
    });
    const ofInbox = { name, sql, connections: this.connections, events: this.events };
    this.directs = new Directs(ports, settings, ofInbox, turn);
    const isLive = (connection: Connection) => this.connections.find(connection.session) === connection;
    this.watchFrames = new WatchFrames(settings, this.watches.watching, {
      isLive,
      settled: () => this.settle(),
    });
    const renewals = new Renewals(ports, this.connections, {
      allow: async (_, request) => this.admissions.allow(request),
      renewed: (connection) => {
        this.sweep.watch(connection);
        this.watchFrames.renewed(connection);
        this.subscribing.renewed(connection);
        this.settle();
      },
    });
    this.frames = new OwnFrames({
      sessions: this.sessions,
      statuses: this.statuses,
      view: this.view,
      renewals,
      channels: new ChannelFrames(ports, settings, isLive),
      watches: this.watchFrames,
      subscribing: this.subscribing,
      directs: this.directs,
      directFrames: new DirectFrames(ports, settings, { name, directs: this.directs, isLive }),
    });
    const rooms = { clock: ports.clock, ...own, sessions: this.sessions, endings: this.endings };
    this.counting = new Counting({ ...rooms, sweep: this.sweep }, turn);
    this.admissions = new Admissions(
      { ...rooms, activity: this.activity, watches: this.watches, counting: this.counting },
      settings,
      turn,
    );
    this.due = new DueTimes(ports, [
      this.sweep,
      this.sessions,
      this.statuses,
      this.activity,
      this.endings.outbox,
      this.rosterTells.outbox,
      this.subscribing.outbox,
      ...this.watches.duties,
      this.listing.telling,
      ...this.directs.duties,
      ...(this.events === undefined ? [] : [this.events.duty]),
    ]);
    this.audit = new UserAudit(ports, this);
    this.endings.reconcile();
    this.due.fire();
    this.settle();
  }

  /** What is due is done: before a read, and before whatever depends on the time. */
  ready(): void {
    this.due.fire();
  }

  /** At the end of a turn that may have changed something: what is owed is sent, and the alarm set for the rest. */
  settle(): void {
    this.directs.settle();
    this.listing.kick();
    this.due.arm();
    this.endings.outbox.kick();
    this.rosterTells.outbox.kick();
    this.subscribing.outbox.kick();
    this.watches.kick();
  }

  /** While nobody can see the user, a wake-up per TTL would be paid for nothing. */
  get sweepMs(): number {
    const isSeen = this.watches.watchers.areAwake || this.subscribing.areAny;
    return isSeen ? this.#ttlMs : this.#ttlMs * UNSEEN_SWEEP_FACTOR;
  }
}
