import type { SimulatedObject } from "./simulated-object.ts";
import type { World } from "./world.ts";

interface Row {
  session: string;
  at: number;
  isLive: number;
  reason: string | null;
}

const ROWS = `SELECT session, connected_at AS at, ended_at IS NULL AS isLive, reason FROM session`;

/**
 * The limit of sessions, seen in the rows of a user's object: nobody outside can tell which ones it counted.
 * Never more live ones than allowed, and whoever gave way was older than all who stayed.
 */
export class LimitInvariant {
  readonly #world: World;
  readonly #versions = new Map<SimulatedObject, number>();
  /** Those that each object knew after its last turn, and whether they lived. */
  readonly #before = new Map<SimulatedObject, Map<string, boolean>>();

  constructor(world: World) {
    this.#world = world;
  }

  turned(object: SimulatedObject): void {
    if (object.kind !== "user") return;
    const version = object.storage.versionOf("session");
    if (version === 0 || this.#versions.get(object) === version) return;
    this.#versions.set(object, version);
    const rows = object.storage.all<Row>(ROWS);
    const before = this.#before.get(object);
    this.#before.set(object, new Map(rows.map(({ session, isLive }) => [session, isLive === 1])));
    const live = rows.filter(({ isLive }) => isLive === 1);
    const most = this.#world.settings.MAX_SESSIONS_PER_USER;
    if (live.length > most) this.#world.journal.fail(`limit: ${object} has ${live.length} live sessions`);
    const stayed = live.filter(({ session }) => before?.get(session) === true);
    const oldest = Math.min(...stayed.map(({ at }) => at));
    for (const { session, at, reason } of rows) {
      if (reason !== "replaced" || before?.get(session) !== true) continue;
      if (at > oldest)
        this.#world.journal.fail(`limit: ${object} replaced ${session}, which is not the oldest`);
    }
  }
}
