import type { Connection, Presence, RollcallError, Timers } from "../client/index.ts";
import { Cell } from "./cell.ts";
import { type Held, Lingering } from "./lingering.ts";
import { PAUSE_MS, refusalOf } from "./refusals.ts";

/** Somebody whose presence is shown. */
export interface WatchedUser {
  user: string;
  presence: Cell<Presence | undefined>;
}

export interface WatchedUsersSetup {
  timers: Timers;
  failed(error: RollcallError): void;
}

/** Whose presence any component shows: watched once for all of them, and in one frame where they appear together. */
export class WatchedUsers {
  readonly #setup: WatchedUsersSetup;
  readonly #users = new Map<string, Lingering<WatchedUser>>();
  /** Watched by the connection, or about to be. */
  readonly #asked = new Set<string>();
  /** Not watched, and not to be asked for again: the token forbids it, or there is no such user id. */
  readonly #refused = new Set<string>();
  #connection: Connection | undefined;
  #isDue = false;

  constructor(setup: WatchedUsersSetup) {
    this.#setup = setup;
  }

  current(user: string): WatchedUser | undefined {
    return this.#users.get(user)?.current;
  }

  hold(user: string): Held<WatchedUser> {
    const known = this.#users.get(user);
    if (known !== undefined) return known.hold();
    const watched = new Lingering<WatchedUser>({
      timers: this.#setup.timers,
      begin: () => ({ user, presence: new Cell(this.#connection?.presence.of(user)) }),
      end: () => {
        this.#users.delete(user);
        this.#refused.delete(user);
        this.#soon();
      },
      isOver: () => false,
    });
    this.#users.set(user, watched);
    this.#soon();
    return watched.hold();
  }

  /** News of a user, or what was said of this connection's own. Older news is none. */
  heard(presence: Presence): void {
    const cell = this.current(presence.user)?.presence;
    const known = cell?.get()?.version;
    if (known !== undefined && presence.version !== undefined && presence.version < known) return;
    cell?.set(presence);
  }

  /** From now on they are watched by this connection, which is open, anew or again. */
  opened(connection: Connection): void {
    if (this.#connection !== connection) this.#asked.clear();
    this.#connection = connection;
    this.#soon();
  }

  /** The connection has been closed for good. */
  closed(): void {
    this.#connection = undefined;
    this.#asked.clear();
  }

  /** Once everything that mounts or unmounts with this has done so. */
  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#settle();
    });
  }

  #settle(): void {
    const connection = this.#connection;
    if (connection === undefined || connection.state.name !== "open") return;
    const isWanted = (user: string) => this.#users.has(user) && !this.#refused.has(user);
    const gone = [...this.#asked].filter((user) => !isWanted(user));
    const fresh = [...this.#users.keys()].filter((user) => isWanted(user) && !this.#asked.has(user));
    for (const user of gone) this.#asked.delete(user);
    if (gone.length > 0) {
      connection.presence.unwatch(gone).catch((cause: unknown) => this.#setup.failed(refusalOf(cause).error));
    }
    if (fresh.length > 0) this.#watch(connection, fresh);
  }

  #watch(connection: Connection, users: readonly string[]): void {
    for (const user of users) this.#asked.add(user);
    connection.presence.watch(users).then(
      (presences) => {
        if (connection === this.#connection) for (const presence of presences) this.heard(presence);
      },
      (cause: unknown) => {
        if (connection === this.#connection) this.#failed(connection, users, cause);
      },
    );
  }

  /** One user too many spoils the frame for all in it: then each is asked for alone. */
  #failed(connection: Connection, users: readonly string[], cause: unknown): void {
    for (const user of users) this.#asked.delete(user);
    const { is, error } = refusalOf(cause);
    if (is === "lost") return; // watched once it is open again
    if (is === "final" && users.length > 1) {
      for (const user of users) this.#watch(connection, [user]);
      return;
    }
    this.#setup.failed(error);
    if (is === "passing") this.#setup.timers.after(error.retryAfterMs ?? PAUSE_MS, () => this.#soon());
    else for (const user of users) this.#refused.add(user);
  }
}
