import { expect, test } from "vitest";
import { settingsOf } from "../../src/config.ts";
import type { LogPosition } from "../../src/objects/ports.ts";
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
  epoch = "";
  readonly offsets: number[] = [];

  constructor(isInformed: boolean) {
    this.isInformed = isInformed;
  }

  /** Where it stands, once it knows. */
  get position(): LogPosition | undefined {
    return this.epoch === "" ? undefined : { epoch: this.epoch, offset: this.offsets.at(-1) ?? 0 };
  }

  take(text: string): void {
    if (text.startsWith('{"type":"welcome"')) return this.#begin(text);
    const frames: Record<string, unknown>[] = [JSON.parse(text)].flat();
    for (const { type, count, offset } of frames) {
      if (type === "members") this.count = count as number;
      if (type === "message") this.offsets.push(offset as number);
    }
  }

  /** To parse a hundred members for each of so many would take longer than all the rest: for who returns only. */
  #begin(text: string): void {
    this.welcomes++;
    this.count = Number(/"count":(\d+)/.exec(text)?.[1]);
    this.epoch = /"epoch":"([^"]+)"/.exec(text)?.[1] ?? "";
    if (this.welcomes === 1) return;
    const { messages } = JSON.parse(text) as { messages: { offset: number }[] };
    this.offsets.push(...messages.map(({ offset }) => offset));
  }
}

test("[SIM22] a hundred thousand users over relays are counted exactly, and each hears a publish once, also where a relay is lost in the middle", async () => {
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
    const recover = heard.position;
    const asked = { user: name, device: { type: "web" }, transport: "websocket", claims } as const;
    const request = { ...asked, ...(recover && { recover }) };
    const again = () => connect(name, heard);
    const comeBack = () => void world.scheduler.after(world.random.between(...COMES_BACK_MS), again);
    world.connect("channel", "hall", request, {
      opened: () => {},
      refused: comeBack,
      received: (text) => heard.take(text),
      closed: comeBack,
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

  const publish = (dataJson: string) => world.channel("hall").publish({ event: "message", dataJson });
  const heardAll = (offsets: string) => all.filter((heard) => heard.offsets.join() === offsets).length;
  expect(await world.until(publish('"to all"'))).toMatchObject({ offset: 1 });
  await world.advance(5_000);
  expect(heardAll("1")).toBe(USERS);
  expect(all.filter(({ welcomes }) => welcomes !== 1)).toEqual([]);
  expect(all.filter(({ isInformed, count }) => isInformed && count !== USERS)).toEqual([]);

  // A relay is lost while something is said: its clients return, and have missed nothing.
  const relay = world.objects().find(({ kind, sockets }) => kind === "relay" && sockets.size > 1000);
  const second = publish('"in the middle"');
  await world.advance(20);
  relay?.crash("crashed while idle");
  expect(await world.until(second)).toMatchObject({ offset: 2 });
  expect(await world.until(publish('"while they are away"'))).toMatchObject({ offset: 3 });
  await world.advance(20_000);
  expect(world.journal.failure).toBeUndefined();
  expect(heardAll("1,2,3")).toBe(USERS);
  expect(all.filter(({ welcomes }) => welcomes === 2).length).toBeGreaterThan(1000);
  const after = await world.until(world.channel("hall").summary());
  expect(after).toMatchObject({ members: USERS, sessions: USERS });
  world.close();
}, 240_000);
