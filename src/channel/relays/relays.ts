import type { Settings } from "../../config.ts";
import type { MemberStates } from "../../connections/kept/member-states.ts";
import type { Elsewhere } from "../../objects/placement.ts";
import type { Background, Clock, ConnectRequest, Log, Objects, Sql } from "../../objects/ports.ts";
import type { RelayAnswer, RelayCall, RelayReport } from "../../objects/relaying.ts";
import type { Members } from "../roster/members.ts";
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
  /** The roster, once it is there: it is read from what is known here. */
  members(): Members;
}

interface RelaysRules {
  /** Whether this user has any row of its own here. */
  isKept(user: string): boolean;
  /** The second in which this user was sent away last; 0 where it was not. */
  removedIn(user: string): number;
  /** Something was reported or settled outside of any other call. */
  settled(): void;
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
    this.#about = about;
    this.#rules = rules;
    const { sql, settings, states } = about;
    this.members = new RelayMembers(sql, ports.clock, (user, state) => states.admitted(user, state));
    this.#sendingAway = new SendingAway(
      { ...ports, sql },
      { done: (debt, report) => this.#sentAway(debt, report), removedIn: rules.removedIn },
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

  /** Where else a newcomer has to connect, if not here. */
  elsewhere(request: ConnectRequest): Elsewhere | undefined {
    return this.#newcomers.elsewhere(request);
  }

  /** All that a relay has to say at once. Who enters with a token that counts no more is shown to nobody. */
  answer({ relay, report, entering, requests }: RelayCall, calls: RelayCalls): RelayAnswer {
    this.leases.heard(relay);
    const entered = entering.map((session) => calls.place(session));
    const refused = refusedUsers(entering, entered);
    const known = { refused, entering: new Set(entering.map(({ user }) => user)) };
    const isWholeWanted = report !== undefined && this.#apply(relay, report, known);
    const replies = requests.map((request) => calls.reply(request));
    return { standing: calls.standing(), entered, replies, isWholeWanted };
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
    this.members.clear((part) => this.#removed(part));
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
      const second = entering.has(user) ? 0 : this.#rules.removedIn(user);
      const isFromBefore = second > 0 && joinedAt < (second + 1) * 1000;
      if (isFromBefore || refused.has(user)) this.#sendingAway.owe(relay, user);
    }
  }

  #apply(relay: string, report: RelayReport, known = NOBODY): boolean {
    this.#sendAwayLate(relay, report, known);
    this.#hold(relay, report, known.refused);
    this.#newcomers.reported(relay);
    const members = this.#about.members();
    const rules: ReportRules = {
      joinedAt: (user) => members.joinedAt(user),
      isCounted: (at, user) => this.#isCounted(at, user),
      put: (part, state) => members.putPart(part, state),
      removed: (part) => this.#removed(part),
    };
    const isWholeWanted = this.members.apply(relay, report, rules);
    members.flush();
    return isWholeWanted;
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
    if (!this.#rules.isKept(part.user) && !this.members.isAnywhere(part.user)) {
      this.#about.states.forget(part.user);
    }
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
