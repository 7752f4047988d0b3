import { describe, expect, test } from "vitest";
import { settingsOf } from "../../src/config.ts";
import type { Ports } from "../../src/objects/ports.ts";
import { Probe } from "../fixtures/probe.ts";
import { NO_CALL_FAULTS } from "./calls.ts";
import { ProbeWorld } from "./port-harness.ts";
import type { TurnCrash } from "./simulated-object.ts";

const settings = settingsOf({ JWT_SECRET: "a secret that only the simulator knows" });
const END = { session: "s1", at: 1, reason: "closed" } as const;

/** A caller that notes each answer it gets. */
async function callAndNote({ objects, sql }: Ports): Promise<void> {
  try {
    await objects.user("callee").ended(END);
    sql.run("INSERT INTO note (text) VALUES ('answered')");
  } catch {
    sql.run("INSERT INTO note (text) VALUES ('failed')");
  }
}

const notesOf = (world: ProbeWorld, name: string) => world.until(world.within(name, Probe.notes));
const endedIn = (notes: string[]) => notes.filter((note) => note.startsWith("ended")).length;

describe("the simulated platform", () => {
  /** A welcome to a client that is connecting while its object crashes: what the client and the object keep. */
  async function connectInto(crash: TurnCrash, seed: number) {
    const world = new ProbeWorld(seed, settings);
    const heard: string[] = [];
    world.object("user", "ada").plannedCrash = crash;
    const claims = { sub: "ada", exp: world.now / 1000 + 3600 };
    const request = { user: "ada", device: { type: "web" }, transport: "websocket", claims } as const;
    world.connect("user", "ada", request, {
      opened: () => heard.push("opened"),
      refused: () => heard.push("refused"),
      received: (text) => heard.push(text),
      closed: (code) => heard.push(String(code)),
    });
    await world.advance(1_000);
    return { heard, notes: await notesOf(world, "ada") };
  }

  test("[SIM1] a turn whose writes a crash loses leaves nothing at all", async () => {
    const { heard, notes } = await connectInto("lost", 1);
    expect(heard).toEqual(["refused"]);
    expect(notes).toEqual(["woken"]);
  });

  test("[SIM2] a turn whose writes a crash keeps leaves any part of what it sent, from the first on", async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 30; seed++) {
      const { heard, notes } = await connectInto("kept", seed);
      expect(notes).toEqual(["woken", "woken"]);
      outcomes.add(heard.join(" "));
    }
    expect([...outcomes].sort()).toEqual(["opened welcome 1006", "refused"]);
  });

  test("[SIM3] what a crashed instance waited for never comes back to it", async () => {
    const world = new ProbeWorld(1, settings);
    void world.within("caller", callAndNote);
    await world.advance(1);
    world.object("user", "caller").crash("crashed while it waited");
    await world.advance(60_000);
    expect(endedIn(await notesOf(world, "callee"))).toBe(1);
    expect(await notesOf(world, "caller")).toEqual(["woken", "woken"]);
  });

  test.each([
    ["dropped", 0, "failed"],
    ["replyLost", 1, "failed"],
    ["repeated", 2, "answered"],
    ["delayed", 1, "answered"],
  ] as const)("[SIM4] a call that is %s is served %i times and has %s", async (fault, served, outcome) => {
    const world = new ProbeWorld(1, settings);
    world.callFaults = { ...NO_CALL_FAULTS, [fault]: 1 };
    void world.within("caller", callAndNote);
    await world.advance(120_000);
    expect(endedIn(await notesOf(world, "callee"))).toBe(served);
    expect(await notesOf(world, "caller")).toEqual(["woken", outcome]);
  });

  test("[SIM5] a callee that crashes while it serves fails the call, whatever it kept", async () => {
    for (const crash of ["lost", "kept"] as const) {
      const world = new ProbeWorld(1, settings);
      void world.within("caller", callAndNote);
      await world.advance(1);
      world.object("user", "callee").plannedCrash = crash;
      await world.advance(60_000);
      expect(endedIn(await notesOf(world, "callee"))).toBe(crash === "kept" ? 1 : 0);
    }
  });

  test("[SIM6] an object sleeps only when nothing is pending in it", async () => {
    const world = new ProbeWorld(1, settings);
    const object = world.object("user", "caller");
    void world.within("caller", callAndNote);
    await world.advance(1);
    expect(object.evict()).toBe(false);
    await world.advance(1_000);
    expect(object.evict()).toBe(true);
    expect(object.isAwake).toBe(false);
  });

  test("[SIM7] an alarm that the platform delays still fires, and one that it repeats fires twice", async () => {
    const world = new ProbeWorld(1, settings);
    const { alarm } = world.object("user", "ada");
    await world.until(world.within("ada", (ports) => ports.alarm.set(ports.clock.now() + 1_000)));
    alarm.delay();
    alarm.repeat();
    await world.advance(700_000);
    const notes = await notesOf(world, "ada");
    expect(notes.filter((note) => note === "alarm at null")).toHaveLength(2);
  });
});
