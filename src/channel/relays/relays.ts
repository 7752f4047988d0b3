import type { Settings } from "../../config.ts";
import type { MemberStates } from "../../connections/kept/member-states.ts";
import type { Elsewhere } from "../../objects/placement.ts";
import type { Background, Clock, ConnectRequest, Log, Objects, Sql } from "../../objects/ports.ts";
import type { RelayAnswer, RelayCall, RelayReport } from "../../objects/relaying.ts";
import type { Members } from "../roster/members.ts";
import { Departed } from "./departed.ts";
import { Leases } from "./leases.ts";
import { Newcomers, type OwnConnections } from "./newcomers.ts";
import { type RelayCalls, refusedUsers } from "./relay-calls.ts";
import type { RelayDebt } from "./relay-debt-table.ts";
import { RelayMembers, type RelayPart, type ReportRules } from "./relay-members.ts";
import { SendingAway } from "./sending-away.ts";

interface About {
  channel: string;
  settings: Settings;
  sql: Sql;
  states: MemberStates;
  own: OwnConnections;
  /** Up to which second tokens of a user who was sent away count no more. */
  removals: { secondOf(user: string): number | undefined };
  /** The roster, once it is there: it is read from what is known here. */
  members(): Members;
}

interface RelaysRules {
  /** Whether this user has any row of its own here. */
  isKept(user: string): boolean;
  /** Something was reported or settled outside of any other call. */
  settled(): void;
  /** The directory has yet to hear that nobody is left. */
  isOwed(): boolean;
  /** How long others may need to hear that a member has left. */
  holdMs(): number;
}

/** Users of sessions that enter with a report, and those of them who may not. */
interface Entrants {
  entering: ReadonlySet<string>;
  refused: ReadonlySet<string>;
}

const NOBODY: Entrants = { entering: new Set(), refused: new Set() };

/**
 * The relays of a channel: who is connected to them, as they report it, how it counts in the roster, who has to leave
 * them, and where newcomers go. What relays say is the truth about their own connections and about nothing else.
 */
export class Relays {
  readonly members: RelayMembers;
  readonly leases: Leases;
  readonly departed: Departed;
  readonly #clock: Clock;
  readonly #about: About;
  readonly #rules: RelaysRules;
  readonly #sendingAway: SendingAway;
  readonly #newcomers: Newcomers;
  /** Users, by relay, who entered with a token that counts no more: no roster shows them until the relay has taken it back. */
  readonly #refused = new Map<string, Set<string>>();

  constructor(
    ports: { clock: Clock; background: Background; objects: Objects; log: Log },
    about: About,
    rules: RelaysRules,
  ) {
    this.#clock = ports.clock;
    this.#about = about;
    this.#rules = rules;
    const { sql, settings, states } = about;
    this.departed = new Departed(ports.clock, settings.OFFLINE_GRACE_SECONDS * 1000, {
      isOwed: () => rules.isOwed(),
      holdMs: () => rules.holdMs(),
      leaves: (relay, user) => this.#leave(relay, user),
      over: (relay, user) => {
        this.members.forget(relay, user);
        this.#forgetState(user);
      },
    });
    this.members = new RelayMembers(sql, ports.clock, this.departed, {
      isSentAway: (user, endedAt) => this.#isSentAway(user, endedAt),
      known: (user, state) => states.admitted(user, state),
    });
    this.#sendingAway = new SendingAway(
      { ...ports, sql },
      {
        secondOf: (user) => about.removals.secondOf(user),
        done: (debt, report) => this.#sentAway(debt, report),
      },
    );
    this.#newcomers = new Newcomers(ports.clock, about, { own: about.own, relays: this.members });
    this.leases = new Leases(ports, settings.SESSION_TTL_SECONDS * 1000, this.members, {
      reportedAt: (relay) => this.members.numberOf(relay),
      reported: (relay, report) => {
        this.#apply(relay, report);
        rules.settled();
      },
    });
  }

  get outbox() {
    return this.#sendingAway.outbox;
  }

  /** A relay was told something. One that keeps nobody, though others are known there, is asked. */
  answered(relay: string, isEmpty: boolean): void {
    this.leases.heard(relay);
    if (isEmpty && this.members.has(relay)) this.leases.ask(relay);
  }

  /** What counts in the roster of what relays keep. */
  *parts(): Iterable<RelayPart> {
    for (const part of this.members.all()) if (this.#isCounted(part.relay, part.user)) yield part;
  }

  /** Whether this user is at any relay. */
  isAnywhere(user: string): boolean {
    return this.members.isAnywhere(user);
  }

  /** The channel was deleted, and some relay has yet to hear so. */
  get isEverybodySentAway(): boolean {
    return this.#sendingAway.isEverybody;
  }

  /** Where else a newcomer has to connect, if not here. */
  elsewhere(request: ConnectRequest): Elsewhere | undefined {
    return this.#newcomers.elsewhere(request);
  }

  /** All that a relay has to say at once. Who enters with a token that counts no more is shown to nobody. */
  answer({ relay, report, entering, requests, isBrief = false }: RelayCall, calls: RelayCalls): RelayAnswer {
    this.leases.heard(relay);
    const entered = entering.map((session) => calls.place(session));
    const refused = refusedUsers(entering, entered);
    const known = { refused, entering: new Set(entering.map(({ user }) => user)) };
    const isWholeWanted = report !== undefined && this.#apply(relay, report, known);
    const replies = requests.map((request) => calls.reply(request));
    return {
      standing: calls.standing({ isBrief }),
      entered,
      replies,
      isWholeWanted,
      number: this.members.numberOf(relay),
    };
  }

  /** A user was sent away: out of the roster now, and out of the relays by debts. */
  remove(user: string): void {
    for (const part of [...this.members.of(user)]) {
      this.#sendingAway.owe(part.relay, user);
      this.#about.members().removePart(part);
    }
    this.#about.members().flush();
  }

  /** The channel was deleted: nobody is a member any more. */
  forget(): void {
    for (const relay of this.members.names) this.#sendingAway.owe(relay, null);
    const departed = this.departed.users();
    this.members.clear((part) => this.#removed(part));
    for (const user of departed) this.#forgetState(user);
    this.#about.members().flush();
  }

  /**
   * Who was sent away before this relay could say that the user is there, which a crash may have kept it from, has to
   * leave it too; and who enters with a token that counts no more: a row is shown by whoever wakes with it.
   */
  #sendAwayLate(relay: string, { number, set }: RelayReport, { entering, refused }: Entrants): void {
    if (number <= this.members.numberOf(relay)) return;
    for (const { user, joinedAt } of set) {
      if (this.members.find(relay, user) !== undefined) continue;
      const isFromBefore = !entering.has(user) && this.#isSentAway(user, joinedAt);
      if (isFromBefore || refused.has(user)) this.#sendingAway.owe(relay, user);
    }
  }

  /** Whether this user was sent away after that time, or in its second. */
  #isSentAway(user: string, at: number): boolean {
    const second = this.#about.removals.secondOf(user);
    return second !== undefined && at < (second + 1) * 1000;
  }

  #apply(relay: string, report: RelayReport, known = NOBODY): boolean {
    this.#sendAwayLate(relay, report, known);
    this.#hold(relay, report, known.refused);
    this.#newcomers.reported(relay);
    const isWholeWanted = this.members.apply(relay, report, this.#ofReports());
    this.#about.members().flush();
    this.departed.run(this.#clock.now());
    return isWholeWanted;
  }

  #ofReports(): ReportRules {
    const members = this.#about.members();
    return {
      joinedAt: (user) => members.joinedAt(user),
      isCounted: (at, user) => this.#isCounted(at, user),
      put: (part, state) => members.putPart(part, state),
      removed: (part) => this.#removed(part),
    };
  }

  #leave(relay: string, user: string): void {
    this.members.leave(relay, user, this.#ofReports());
    this.#about.members().flush();
  }

  /** Who was unknown there until now, and is refused. Whatever the relay says next of such a user counts. */
  #hold(relay: string, { set, gone }: RelayReport, refused: ReadonlySet<string>): void {
    const held = this.#refused.get(relay) ?? new Set();
    for (const { user } of set) held.delete(user);
    for (const user of gone) held.delete(user);
    for (const user of refused) if (this.members.find(relay, user) === undefined) held.add(user);
    if (held.size > 0) this.#refused.set(relay, held);
    else this.#refused.delete(relay);
  }

  #isCounted(relay: string, user: string): boolean {
    return !this.#sendingAway.isUnderWay(relay, user) && this.#refused.get(relay)?.has(user) !== true;
  }

  #removed(part: RelayPart): void {
    this.#about.members().removePart(part);
    this.#forgetState(part.user);
  }

  /** How a user appears is forgotten with the last row: else one who hides would be shown to leave, after a crash. */
  #forgetState(user: string): void {
    if (!this.#rules.isKept(user) && !this.members.isAnywhere(user)) this.#about.states.forget(user);
  }

  /** Whoever is still there has come back since, with a token that counts. */
  #sentAway({ relay, user }: RelayDebt, report: RelayReport | undefined): void {
    if (report !== undefined) this.#apply(relay, report);
    const members = this.#about.members();
    for (const part of user === null ? this.members.at(relay) : this.members.of(user)) {
      if (this.#isCounted(part.relay, part.user)) members.putPart(part, this.#about.states.of(part.user));
    }
    members.flush();
    this.#rules.settled();
  }
}
