import { FIRST_RETRY_MS, Outbox } from "../objects/outbox.ts";
import type { Background, Clock, Log, MemberState, Objects, Sql } from "../objects/ports.ts";
import { isSameMember, memberOf, type PresenceFacts, versionsAfter } from "./presence/presence.ts";
import type { SessionRow } from "./presence/session-table.ts";
import { type RosterDebt, RosterDebtTable } from "./roster-debt-table.ts";

/**
 * Tells channels how the user appears in their rosters, whenever that changes. A channel sets what it is told
 * by its version, so that to tell it twice, or late, does no harm.
 */
export class RosterTells {
  readonly outbox: Outbox<RosterDebt>;
  readonly #ports: { clock: Clock; objects: Objects };
  readonly #user: string;
  readonly #facts: () => PresenceFacts;
  readonly #subscribed: () => ReadonlyMap<string, readonly string[]>;
  readonly #debts: RosterDebtTable;

  constructor(
    user: string,
    ports: { clock: Clock; background: Background; log: Log; objects: Objects; sql: Sql },
    facts: () => PresenceFacts,
    /** Sessions of user connections, by the channel that they are subscribed to. */
    subscribed: () => ReadonlyMap<string, readonly string[]>,
  ) {
    this.#user = user;
    this.#ports = ports;
    this.#facts = facts;
    this.#subscribed = subscribed;
    this.#debts = new RosterDebtTable(ports.sql);
    this.outbox = new Outbox(
      ports,
      this.#debts,
      ({ channel }) => this.#tell(channel),
      (id) => {
        this.#debts.settle(id);
        this.outbox.forget(id);
      },
    );
  }

  /**
   * In the transaction of a change. Owed to each channel that keeps a session before it and after: one that
   * begins brings the news by its admission, and one that ended has nothing more to show. And to each that a
   * session is subscribed to.
   */
  owe(before: PresenceFacts, after: PresenceFacts): void {
    const kept = channelsOf(before.sessions);
    const stayed = new Set([...channelsOf(after.sessions)].filter((channel) => kept.has(channel)));
    for (const channel of this.#subscribed().keys()) stayed.add(channel);
    if (stayed.size === 0) return;
    const { version } = versionsAfter(before, after);
    const dueAt = this.#ports.clock.now() + FIRST_RETRY_MS;
    for (const channel of stayed) this.#debts.owe(channel, version, dueAt);
  }

  /** A channel was told this with a subscription, which may have changed since: then it has to be told again. */
  subscribed(channel: string, told: MemberState): void {
    const facts = this.#facts();
    if (isSameMember(memberOf(facts), told)) return;
    this.#debts.owe(channel, memberOf(facts).version, this.#ports.clock.now() + FIRST_RETRY_MS);
  }

  /** What is true by now, which may be newer than what made the debt. */
  async #tell(channel: string): Promise<void> {
    const facts = this.#facts();
    const kept = facts.sessions.filter((row) => isLiveIn(row, channel)).map(({ session }) => session);
    const there = [...kept, ...(this.#subscribed().get(channel) ?? [])];
    if (there.length === 0) return; // the end of the last one has been told besides
    await this.#ports.objects.channel(channel).setMember(this.#user, there, memberOf(facts));
  }
}

function isLiveIn({ keeper, endedAt }: SessionRow, channel: string): boolean {
  return endedAt === null && keeper.kind === "channel" && keeper.channel === channel;
}

function channelsOf(sessions: readonly SessionRow[]): Set<string> {
  const channels = new Set<string>();
  for (const { keeper, endedAt } of sessions) {
    if (endedAt === null && keeper.kind === "channel") channels.add(keeper.channel);
  }
  return channels;
}
