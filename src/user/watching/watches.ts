import type { Settings } from "../../config.ts";
import type { Connections } from "../../connections/connections.ts";
import type { PairAnswer, PairClaim } from "../../objects/auditing.ts";
import type { Notice, NoticeAnswer, Ports, Sql, UserPort } from "../../objects/ports.ts";
import { isRefusal, type Refusal } from "../../protocol/codes.ts";
import type { Presence, UserQuery, Watch, WatcherPage } from "../../protocol/presence.ts";
import { neverSeen } from "../presence/presence.ts";
import type { Standing } from "../presence/standing.ts";
import type { View } from "../presence/view.ts";
import { BY_USER } from "./hold-table.ts";
import { NoticeJobTable } from "./notice-job-table.ts";
import { Notices } from "./notices.ts";
import { Pairs } from "./pairs.ts";
import { WatcherTable } from "./watcher-table.ts";
import { Watchers } from "./watchers.ts";
import { Watching } from "./watching.ts";

/** What two users' objects say to each other. */
type Pair = Pick<UserPort, "watchedBy" | "unwatchedBy" | "notice" | "pairWith">;

/** Watching in both directions: whom this user watches, and who watches it. `ready` does what is due before. */
export class Watches {
  readonly watching: Watching;
  readonly watchers: Watchers;
  readonly notices: Notices;
  readonly pairs: Pairs;
  readonly #turn: { ready(): void; settle(): void };

  constructor(
    ports: Ports,
    settings: Settings,
    about: { me: Pair; name: string; sql: Sql; standing: Standing; connections: Connections; view: View },
    turn: { ready(): void; settle(): void; seen(): void },
  ) {
    const { me, name, sql, standing, connections, view } = about;
    this.#turn = turn;
    // Who watches itself does so without a call: an object that awaited itself could wait for ever.
    const userOf = (user: string) => (user === name ? me : ports.objects.user(user));
    const watchers = new WatcherTable(sql);
    const tables = { jobs: new NoticeJobTable(sql), watchers };
    this.notices = new Notices(ports, tables, view, { userOf, settled: turn.settle });
    this.watchers = new Watchers(watchers, view, {
      registered: (watcher, answer) => {
        this.notices.registered(watcher, answer);
        turn.seen();
      },
    });
    this.watching = new Watching({ ...ports, sql }, settings, {
      me: name,
      standing,
      connections,
      userOf,
      settled: turn.settle,
    });
    this.pairs = new Pairs(ports, { me: name, userOf }, { watching: this.watching, watchers });
  }

  get duties() {
    return [
      this.watching,
      this.watching.resumes,
      this.notices,
      this.watching.releases.outbox,
      this.notices.outbox,
    ];
  }

  /** At the end of a turn: what is owed leaves. */
  kick(): void {
    this.notices.kick();
    this.watching.releases.outbox.kick();
  }

  /** In the transaction that erases the user. */
  erase(): void {
    this.notices.erased();
    this.watching.erase();
  }

  list(): Watch[] {
    this.#turn.ready();
    return this.watching.list();
  }

  async watch(user: string): Promise<(Watch & { presence: Presence }) | Refusal> {
    this.#turn.ready();
    const result = await this.watching.watch(BY_USER, [user]);
    this.#turn.settle();
    if (isRefusal(result)) return result;
    const [presence = neverSeen(user)] = result;
    return { user, expiresAt: this.watching.expiresAt(user), presence };
  }

  unwatch(user: string): void {
    this.watching.unwatch(BY_USER, [user]);
    this.#turn.settle();
  }

  page(query: UserQuery): WatcherPage {
    return this.watchers.page(query);
  }

  watchedBy(watcher: string, order: number): Notice {
    this.#turn.ready();
    const notice = this.watchers.register(watcher, order);
    this.#turn.settle();
    return notice;
  }

  unwatchedBy(watcher: string, order: number): void {
    this.watchers.remove(watcher, order);
  }

  pairWith(user: string, claim: PairClaim): PairAnswer {
    this.#turn.ready();
    const answer = this.pairs.answer(user, claim);
    this.#turn.settle();
    return answer;
  }

  notice(notice: Notice): NoticeAnswer {
    const answer = this.watching.notice(notice);
    this.#turn.settle();
    return answer;
  }
}
