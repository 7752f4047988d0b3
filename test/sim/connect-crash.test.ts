import { describe, expect, test } from "vitest";
import { settingsOf } from "../../src/config.ts";
import { CORES } from "./cores.ts";
import type { Kind } from "./fault-table.ts";
import { inspect } from "./inspection.ts";
import type { TurnCrash } from "./simulated-object.ts";
import { World } from "./world.ts";

const settings = settingsOf({ JWT_SECRET: "a secret that only the simulator knows" });
/** What a sweep of ten TTLs, a grace and the first retries of a debt need, and more. */
const LONG_ENOUGH_MS = 30 * 60_000;

type KeeperKind = Exclude<Kind, "directory" | "relay">;

/** The turns of a connect, each of which ends at an await: whose it is, and its number for that object. */
const TURNS: { connection: KeeperKind; crash: KeeperKind; turn: number; after: string }[] = [
  { connection: "channel", crash: "channel", turn: 1, after: "its row, before it asks" },
  { connection: "channel", crash: "user", turn: 1, after: "the admission, before the answer" },
  { connection: "channel", crash: "channel", turn: 2, after: "socket and welcome" },
  { connection: "user", crash: "user", turn: 1, after: "row, admission, socket and welcome" },
];

describe.each(TURNS)("a $connection connection whose $crash object crashes after $after", (point) => {
  test.each<TurnCrash>(["lost", "kept"])(
    "[SE7] leaves no session in any object, writes %s",
    async (writes) => {
      for (let seed = 1; seed <= 20; seed++) {
        const world = new World(seed, settings, CORES);
        const names = { user: "ada", channel: "hall" };
        const crashing = world.object(point.crash, names[point.crash]);
        let turns = 0;
        const plan = () => {
          if (++turns === point.turn) crashing.plannedCrash = writes;
        };
        plan();
        world.onTurn = (object) => object === crashing && plan();
        const claims = { sub: "ada", exp: world.now / 1000 + 86_400 };
        const request = { user: "ada", device: { type: "web" }, transport: "websocket", claims } as const;
        const told: string[] = [];
        world.connect(point.connection, names[point.connection], request, {
          opened: () => told.push("opened"),
          refused: () => told.push("refused"),
          received: () => {},
          closed: (code) => told.push(String(code)),
        });
        await world.advance(LONG_ENOUGH_MS);
        expect(turns).toBeGreaterThanOrEqual(point.turn);
        // An answer that left before the crash makes a session, of a client that never pings here: it times out.
        expect(["refused", "opened,1006", "opened,4002"]).toContain(told.join());
        const ask = { kind: "back end" } as const;
        const user = await inspect(world, world.object("user", "ada"), async (copy) => [
          await copy.sessions(),
          (await copy.presence(ask)).status,
        ]);
        expect(user.result).toEqual([[], "offline"]);
        if (point.connection === "channel") {
          const { result } = await inspect(world, world.object("channel", "hall"), (copy) => copy.summary());
          expect(result).toMatchObject({ members: 0, sessions: 0 });
        }
        for (const object of world.objects()) {
          const has = object.storage.all("SELECT name FROM sqlite_master WHERE name = 'session'").length > 0;
          expect(has ? object.storage.all("SELECT session FROM session") : []).toEqual([]);
          if (object.kind !== "directory") expect(object.alarm.at).toBeNull(); // which asks around once an hour
        }
        expect(world.journal.failure).toBeUndefined();
        world.close();
      }
    },
  );
});
