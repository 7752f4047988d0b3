import type { SimulatedObject } from "./simulated-object.ts";
import type { World } from "./world.ts";

interface Row {
  session: string;
  at: number;
  isLive: number;
}

const ROWS = "SELECT session, connected_at AS at, ended_at IS NULL AS isLive FROM session";
/** Those that a channel keeps: it is owed the word that they gave way. */
const REPLACED = "SELECT session FROM end_debt WHERE reason = 'replaced'";

/**
 * The limit of sessions, seen in the rows of a user's object: nobody outside can tell which ones it counted.
 * Never more live ones than allowed, and whoever gave way in a channel was older than all who stayed.
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
    const replaced = new Set(object.storage.all<Row>(REPLACED).map(({ session }) => session));
    for (const { session, at, isLive } of rows) {
      if (isLive === 1 || before?.get(session) !== true || !replaced.has(session)) continue;
      if (at > oldest)
        this.#world.journal.fail(`limit: ${object} replaced ${session}, which is not the oldest`);
    }
  }
}
