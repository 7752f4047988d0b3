import { mapAtMost } from "../../objects/at-most.ts";
import {
  addNumbers,
  type Compared,
  type PairAnswer,
  type PairClaim,
  someOf,
} from "../../objects/auditing.ts";
import type { Background, Log, UserPort } from "../../objects/ports.ts";
import type { WatcherTable } from "./watcher-table.ts";
import type { Watching } from "./watching.ts";

/** Pairs that one audit compares, each way. Each wakes an object. */
const MOST_COMPARED = 5;

type Other = Pick<UserPort, "pairWith">;
type Done = Omit<Compared, "unanswered">;

const AGREED: Done = { differences: 0, removed: 0 };

/**
 * Whether both sides of a watch know of it. The watcher is right: where the other side lost it, it is told again, and
 * where that knows of one that is none, it is told so. Both by the calls that watching is made of, so a comparison
 * that meets a change of the two does no harm.
 */
export class Pairs {
  readonly #ports: { background: Background; log: Log };
  readonly #me: string;
  readonly #userOf: (user: string) => Other;
  readonly #watching: Watching;
  readonly #watchers: WatcherTable;

  constructor(
    ports: { background: Background; log: Log },
    about: { me: string; userOf(user: string): Other },
    sides: { watching: Watching; watchers: WatcherTable },
  ) {
    this.#ports = ports;
    this.#me = about.me;
    this.#userOf = about.userOf;
    this.#watching = sides.watching;
    this.#watchers = sides.watchers;
  }

  /** With some whom this user watches, and some who watch it. Nothing is written where all agree. */
  async compare(turn: number): Promise<Compared> {
    const compared = { ...AGREED, unanswered: 0 };
    await mapAtMost(MOST_COMPARED, this.#some(turn), async (user) => {
      try {
        addNumbers(compared, await this.#compareWith(user));
      } catch (cause) {
        this.#ports.log.warn("watch not compared", {}, cause);
        compared.unanswered += 1;
      }
    });
    return compared;
  }

  /** The same for the one who is asked. */
  answer(user: string, claim: PairClaim): PairAnswer {
    const own = this.#claimOf(user);
    const done = this.#watching.isSettledWith(user) ? this.#putRight(user, own, claim) : AGREED;
    return { ...own, ...done };
  }

  async #compareWith(user: string): Promise<Done> {
    if (!this.#watching.isSettledWith(user)) return AGREED;
    const own = this.#claimOf(user);
    const { differences, removed, ...other } = await this.#userOf(user).pairWith(this.#me, own);
    const done = { differences, removed };
    const isStillSo =
      this.#watching.isSettledWith(user) && this.#watching.isWatching(user) === own.isWatching;
    if (isStillSo) addNumbers(done, this.#putRight(user, own, other));
    return done;
  }

  /** Of the two directions the one that is this user's: whom it watches. The other one has its own. */
  #putRight(user: string, own: PairClaim, other: PairClaim): Done {
    if (own.isWatching === other.isWatched) return AGREED;
    if (own.isWatching) this.#ports.background.run(this.#watching.registerAgain(user));
    else this.#watching.disclaim(user);
    return { differences: 1, removed: own.isWatching ? 0 : 1 };
  }

  #claimOf(user: string): PairClaim {
    return {
      isWatching: this.#watching.isWatching(user),
      isWatched: this.#watchers.find(user) !== undefined,
    };
  }

  #some(turn: number): string[] {
    const watched = this.#watching.list();
    const users = new Set<string>();
    for (const index of someOf(watched.length, MOST_COMPARED, turn)) {
      const user = watched[index]?.user;
      if (user !== undefined) users.add(user);
    }
    for (const index of someOf(this.#watchers.count(), MOST_COMPARED, turn)) {
      const user = this.#watchers.nth(index);
      if (user !== undefined) users.add(user);
    }
    users.delete(this.#me);
    return [...users];
  }
}
