import type { Connection } from "../../connections/connection.ts";
import type { Connections } from "../../connections/connections.ts";
import type { Duty } from "../../objects/due-times.ts";
import { retryDelay } from "../../objects/outbox.ts";
import type { Background, Clock } from "../../objects/ports.ts";
import { BY_USER } from "./hold-table.ts";
import type { Holds } from "./holds.ts";
import type { Registrations } from "./registrations.ts";
import type { Shown } from "./shown.ts";

/**
 * After each welcome one frame follows for each user that is watched over HTTP, when it has answered. Who keeps
 * silent is asked again, less and less often, at a time that the connection carries in its attachment: a timer
 * would keep the object awake, and be lost when it sleeps all the same.
 */
export class Resumes implements Duty {
  readonly name = "resumes";
  readonly #ports: { clock: Clock; background: Background };
  readonly #connections: Connections;
  readonly #holds: Holds;
  readonly #shown: Shown;
  readonly #registrations: Registrations;
  readonly #asked: (users: readonly string[]) => void;
  /** Who has not answered yet. Lost on sleep: then all are asked again, which writes nothing. */
  readonly #silent = new WeakMap<Connection, readonly string[]>();

  /** `asked` is called after each round, in a turn of its own: some may have been given up meanwhile. */
  constructor(
    ports: { clock: Clock; background: Background },
    of: { connections: Connections; holds: Holds; shown: Shown; registrations: Registrations },
    asked: (users: readonly string[]) => void,
  ) {
    this.#ports = ports;
    this.#connections = of.connections;
    this.#holds = of.holds;
    this.#shown = of.shown;
    this.#registrations = of.registrations;
    this.#asked = asked;
  }

  /** Asks for all that are watched over HTTP, in the background. */
  begin(connection: Connection): void {
    const users = [...this.#held.keys()];
    if (users.length > 0) this.#ports.background.run(this.#ask(connection, users));
  }

  nextAt(): number | null {
    let next: number | null = null;
    for (const { state } of this.#connections.all()) {
      if (state.resume !== null && (next === null || state.resume.dueAt < next)) next = state.resume.dueAt;
    }
    return next;
  }

  run(now: number): void {
    for (const connection of this.#connections.all()) {
      const { resume } = connection.state;
      if (resume === null || resume.dueAt > now) continue;
      const tries = resume.tries + 1;
      connection.update({ resume: { tries, dueAt: now + retryDelay(tries) } });
      const users = this.#silent.get(connection) ?? [...this.#held.keys()];
      this.#ports.background.run(this.#ask(connection, users));
    }
  }

  get #held() {
    return this.#holds.of(BY_USER)?.targets ?? new Map<string, { order: number }>();
  }

  async #ask(connection: Connection, users: readonly string[]): Promise<void> {
    const held = this.#held;
    const targets = new Map([...held].filter(([user]) => users.includes(user)));
    const silent = await this.#registrations.make(targets, connection);
    if (this.#connections.find(connection.session) === connection) {
      const answered = [...targets.keys()].filter((user) => !silent.includes(user));
      this.#tell(connection, answered, silent);
    }
    this.#asked([...targets.keys()]);
  }

  #tell(connection: Connection, answered: readonly string[], silent: readonly string[]): void {
    for (const user of answered) {
      const notice = this.#shown.latestOf(user);
      if (notice !== undefined) connection.send({ type: "presence", ...notice.presence });
    }
    const { resume } = connection.state;
    if (silent.length > 0) {
      this.#silent.set(connection, silent);
      const dueAt = this.#ports.clock.now() + retryDelay(0);
      if (resume === null) connection.update({ resume: { tries: 0, dueAt } });
    } else if (resume !== null) connection.update({ resume: null });
  }
}
