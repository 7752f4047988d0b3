import type { Settings } from "../../config.ts";
import type { Background, Log, Objects } from "../../objects/ports.ts";
import type { Connection } from "../connection.ts";

/**
 * Tells users' objects that somebody is active again: after a pause of half `AWAY_AFTER_SECONDS` or more, for
 * by then the user may have turned away. What is done without a pause is not told; a user's object that is about
 * to turn away asks. A report that fails is made again with the next frame, also after sleep.
 */
export class ActivityReports {
  readonly #ports: { objects: Objects; background: Background; log: Log };
  readonly #pauseMs: number;
  readonly #underWay = new WeakSet<Connection>();

  constructor(ports: { objects: Objects; background: Background; log: Log }, settings: Settings) {
    this.#ports = ports;
    this.#pauseMs = (settings.AWAY_AFTER_SECONDS * 1000) / 2;
  }

  /** A frame came; `before` is when this client had last done something. */
  heard(connection: Connection, before: number): void {
    const { activeAt, state } = connection;
    if (this.#pauseMs === 0 || activeAt <= before) return;
    if (!state.isActivityUntold) {
      if (activeAt - before < this.#pauseMs) return;
      connection.update({ isActivityUntold: true });
    }
    if (this.#underWay.has(connection)) return;
    this.#underWay.add(connection);
    this.#ports.background.run(this.#report(connection, activeAt));
  }

  async #report(connection: Connection, at: number): Promise<void> {
    try {
      await this.#ports.objects.user(connection.user).active(connection.session, at);
      connection.update({ isActivityUntold: false });
    } catch (cause) {
      this.#ports.log.warn("activity not told", { session: connection.session }, cause);
    }
    this.#underWay.delete(connection);
  }
}
