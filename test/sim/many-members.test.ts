import { expect, test } from "vitest";
import { settingsOf } from "../../src/config.ts";
import type { Claims } from "../../src/protocol/claims.ts";
import { CORES } from "./cores.ts";
import { granted } from "./granted.ts";
import type { Cores } from "./nature.ts";
import { World } from "./world.ts";

const USERS = 100_000;
/** All come within so long: a rush, in which frames about the roster are few. */
const RUSH_MS = 2_000;
/** So few hear of the roster: what is told of it is the same for all. */
const ONE_IN = 10;
const COMES_BACK_MS = [500, 2_000] as const;

/** A user's object that only says yes: a hundred thousand real ones would be a hundred thousand databases. */
class Obliging {
  async admit() {
    return { admitted: true, member: { version: 1, status: "online", isHidden: false } };
  }

  async ended(): Promise<void> {}

  alarm(): void {}
}

/** What one client was told, as far as it is counted. */
class Heard {
  readonly isInformed: boolean;
  welcomes = 0;
  count = 0;
  readonly offsets: number[] = [];

  constructor(isInformed: boolean) {
    this.isInformed = isInformed;
  }

  take(text: string): void {
    // To parse a hundred members for each of so many would take longer than all the rest.
    if (text.startsWith('{"type":"welcome"')) {
      this.welcomes++;
      this.count = Number(/"count":(\d+)/.exec(text)?.[1]);
      return;
    }
    const frames: Record<string, unknown>[] = [JSON.parse(text)].flat();
    for (const { type, count, offset } of frames) {
      if (type === "members") this.count = count as number;
      if (type === "message") this.offsets.push(offset as number);
    }
  }
}

test("[SIM22] a hundred thousand users over relays are counted exactly, and each hears a publish once", async () => {
  const settings = settingsOf({
    JWT_SECRET: "a secret that only the simulator knows",
    DEFAULT_GRANTS: "open",
    SESSION_TTL_SECONDS: "3600",
  });
  const user = Obliging as unknown as Cores["user"];
  const world = new World(1, settings, { ...CORES, user });
  const all: Heard[] = [];
  const connect = (name: string, heard: Heard): void => {
    const channels = {
      hall: heard.isInformed ? ["subscribe", "members"] : ["subscribe"],
    } as Claims["channels"];
    const claims = { sub: name, exp: world.now / 1000 + 86_400, ...(channels && { channels }) };
    const request = { user: name, device: { type: "web" }, transport: "websocket", claims } as const;
    const again = () => connect(name, heard);
    world.connect("channel", "hall", request, {
      opened: () => {},
      refused: () => void world.scheduler.after(world.random.between(...COMES_BACK_MS), again),
      received: (text) => heard.take(text),
      closed: (code) => world.journal.fail(`${name} was closed with ${code}`),
    });
  };
  for (let i = 0; i < USERS; i++) {
    const heard = new Heard(i % ONE_IN === 0);
    all.push(heard);
    world.scheduler.after(Math.floor((i * RUSH_MS) / USERS), () => connect(`user-${i}`, heard));
  }
  while (all.some(({ welcomes }) => welcomes === 0)) await world.advance(5_000);
  await world.advance(5_000);
  expect(world.journal.failure).toBeUndefined();

  const summary = await world.until(world.channel("hall").summary());
  expect(summary).toMatchObject({ members: USERS, sessions: USERS });
  expect(summary.relays).toBeGreaterThanOrEqual((USERS - settings.RELAY_CAPACITY) / settings.RELAY_CAPACITY);
  const page = granted(await world.until(world.channel("hall").members({ limit: 10 })));
  expect(page).toMatchObject({ count: USERS, sessions: USERS });

  const published = await world.until(
    world.channel("hall").publish({ event: "message", dataJson: '"to all"' }),
  );
  expect(published).toMatchObject({ offset: 1 });
  await world.advance(5_000);
  expect(world.journal.failure).toBeUndefined();
  expect(all.filter(({ offsets }) => offsets.join() !== "1")).toEqual([]);
  expect(all.filter(({ welcomes }) => welcomes !== 1)).toEqual([]);
  expect(all.filter(({ isInformed, count }) => isInformed && count !== USERS)).toEqual([]);
  world.close();
}, 240_000);
