import type { Settings } from "../config.ts";
import { Connections } from "../connections/connections.ts";
import { Admissions } from "../connections/kept/admissions.ts";
import { ChannelGrants } from "../connections/kept/channel-grants.ts";
import { Departures } from "../connections/kept/departures.ts";
import { Endings } from "../connections/kept/endings.ts";
import { Entrance } from "../connections/kept/entrance.ts";
import { KeptSessions } from "../connections/kept/kept-sessions.ts";
import { MemberStates } from "../connections/kept/member-states.ts";
import { Reception } from "../connections/kept/reception.ts";
import { Sweep } from "../connections/sweep.ts";
import { DueTimes } from "../objects/due-times.ts";
import { Database } from "../objects/migrations.ts";
import type { Ports } from "../objects/ports.ts";
import { CLOSE } from "../protocol/close-codes.ts";
import { ChannelAudit } from "./audit.ts";
import { ChannelEvents } from "./channel-events.ts";
import { ChannelFrames } from "./frames.ts";
import { Intake } from "./intake.ts";
import { Listing } from "./listing.ts";
import { Relays } from "./relays/relays.ts";
import { Removals } from "./removals.ts";
import { Members } from "./roster/members.ts";
import { MIGRATIONS } from "./schema.ts";
import { Talk } from "./talk.ts";

/** What is told to subscribers is confirmed by then, or a debt of its own. */
const HEARD_WITHIN_MS = 5_000;

/** All that a channel is made of, put together, and what it does at the end of every turn. */
export class Rooms {
  readonly sessions: KeptSessions;
  readonly members: Members;
  readonly grants: ChannelGrants;
  readonly removals: Removals;
  readonly relays: Relays;
  readonly talk: Talk;
  readonly intake: Intake;
  readonly connections: Connections;
  readonly admissions: Admissions;
  readonly endings: Endings;
  readonly entrance: Entrance;
  readonly sweep: Sweep;
  readonly departures: Departures;
  readonly listing: Listing;
  readonly due: DueTimes;
  readonly reception: Reception;
  readonly audit: ChannelAudit;

  constructor(ports: Ports, settings: Settings, name: string) {
    const sql = new Database(ports.sql, MIGRATIONS);
    const states = new MemberStates(sql, ports.clock);
    this.sessions = new KeptSessions(sql, (user) => {
      if (!this.relays.isAnywhere(user)) states.forget(user);
    });
    this.grants = new ChannelGrants(name, settings);
    this.removals = new Removals(sql, ports.clock, settings);
    this.connections = new Connections(ports, settings, {
      slow: (connection) => this.endings.cut(connection, CLOSE.slowReader, "slow reader", "slow"),
      lost: (connection) => this.endings.cut(connection, CLOSE.tryAgain, "something was lost", "lost"),
    });
    const own = {
      count: () => this.connections.size + this.admissions.size,
      home: () => this.connections.oldestHint(),
    };
    const members = () => this.members;
    const events = ChannelEvents.of({ ...ports, sql }, settings, name, () => this.due.arm());
    const witness = {
      isOwed: () => this.listing.isOwed(),
      holdMs: () => (this.talk.isHeardElsewhere ? HEARD_WITHIN_MS : 0),
    };
    this.relays = new Relays(
      ports,
      { channel: name, settings, sql, states, own, removals: this.removals, members },
      { isKept: (user) => this.sessions.has(user), settled: () => this.settle(), ...witness },
    );
    this.members = new Members(
      ports,
      {
        channel: name,
        sessions: this.sessions,
        states,
        settings,
        relays: this.relays,
        events: events?.members,
      },
      {
        tell: (text, { before }) => this.talk.tell({ is: "roster", text }, before),
        waits: () => this.talk.expect(),
      },
    );
    const about = { channel: name, sessions: this.sessions, members: this.members };
    const ofTalk = {
      ...about,
      states,
      settings,
      sql,
      connections: this.connections,
      relays: this.relays,
    };
    this.talk = new Talk(ports, ofTalk, {
      lost: (connection) => this.endings.endConnection(connection, CLOSE.tryAgain, "fell behind", "lost"),
      due: () => this.due.arm(),
      gone: (session) => this.endings.endSubscription(session, ports.clock.now(), "lost"),
      refusalOf: (caller) => this.removals.refusalOf(caller),
      begins: (session) => this.departures.begins(session),
      ended: (session, at, reason) => this.endings.endSubscription(session, at, reason),
      kickExports: events?.kickMessages,
    });
    if (this.talk.exported !== undefined) events?.addSource(this.talk.exported);
    this.intake = new Intake(ports.clock, settings, this.talk.log);
    this.admissions = new Admissions(ports, settings, (session) => this.endings.end(session, "lost"));
    const ofEndings = { ...ofTalk, admissions: this.admissions };
    this.endings = new Endings(ports.clock, ofEndings, () => this.settle());
    const ofEntrance = { ...ofEndings, endings: this.endings };
    this.entrance = new Entrance(ports, { kind: "channel", channel: name }, ofEntrance, () => this.due.arm());
    const ttlMs = settings.SESSION_TTL_SECONDS * 1000;
    this.sweep = new Sweep(
      ports,
      this.connections,
      () => ttlMs,
      (ended) => {
        this.listing.swept();
        this.endings.endAll(ended);
      },
    );
    const ofReception = {
      ...ofEntrance,
      grants: this.grants,
      catchUp: this.talk.catchUp,
      sweep: this.sweep,
      frames: new ChannelFrames(settings, { ...this.talk, members: this.members, grants: this.grants }),
    };
    this.reception = new Reception(ports, settings, ofReception, {
      allow: async (user, request) => {
        const refused = this.removals.refusalOf({ user, issuedAt: request.issuedAt });
        return refused ? { allowed: false, refused } : ports.objects.user(user).allow(request);
      },
      settle: () => this.due.arm(),
    });
    this.listing = new Listing(ports, settings, { ...about, relays: this.relays }, () => {
      this.departures.run(); // rows that were kept until the directory knew that nobody is left
      this.relays.departed.run(ports.clock.now());
      this.settle();
    });
    this.departures = new Departures(ports, about, { ...witness, tell: () => this.settle() });
    this.due = new DueTimes(ports, [
      this.admissions,
      this.sweep,
      this.departures,
      this.departures.outbox,
      this.listing.telling,
      this.relays.departed,
      this.relays.leases,
      this.relays.outbox,
      ...this.talk.duties,
      ...(events?.duties ?? []),
    ]);
    const ofAudit = { ...ofEntrance, listing: this.listing, talk: this.talk, due: this.due };
    this.audit = new ChannelAudit(ports, ofAudit, () => this.settle());
    this.members.recall((session) => this.connections.find(session) !== undefined);
    this.endings.reconcile();
    this.carryOn();
    this.talk.awake();
  }

  /** What is due is done, and what follows from it told. */
  carryOn(): void {
    this.due.fire();
    this.settle();
  }

  /** After ends: the alarm for their grace and debts, and the first try of the debts. */
  settle(): void {
    this.listing.kick();
    this.due.arm();
    this.departures.outbox.kick();
    this.relays.outbox.kick();
  }
}
