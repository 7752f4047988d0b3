import { expect, test } from "vitest";
import type { DirectoryPort } from "../../src/objects/directory-port.ts";
import type { AdmitRequest, ChannelPort, KeeperPort } from "../../src/objects/ports.ts";
import type { RelayPort } from "../../src/objects/relaying.ts";
import { User } from "../../src/user/user.ts";
import { ObjectBench, portWith } from "../fixtures/object-bench.ts";

/** A user with one session at a channel, and two at a relay of it. */
async function bench() {
  const calls: string[] = [];
  let mayAnswer = true;
  const keeper = (name: string): Partial<KeeperPort> => {
    const said = <T>(what: string, sessions: string[], result: T): T => {
      calls.push(`${name} ${what} ${sessions.join()}`);
      if (!mayAnswer) throw new Error("no answer");
      return result;
    };
    const times = (sessions: string[]) => Object.fromEntries(sessions.map((session) => [session, 77]));
    return {
      end: async (session) => said("end", [session], undefined),
      lastSeen: async (sessions) => said("lastSeen", sessions, times(sessions)),
      lastActive: async (sessions) => said("lastActive", sessions, times(sessions)),
      broadcast: async (_, sessions) => said("broadcast", sessions, undefined),
    };
  };
  const world = new ObjectBench(
    {
      channel: (name) =>
        portWith<ChannelPort>({ ...keeper(name), setMember: async () => void calls.push(`${name} member`) }),
      relay: (name) => portWith<RelayPort>(keeper(name)),
      directory: () => portWith<DirectoryPort>({ setUser: async () => null }),
    },
    { AWAY_AFTER_SECONDS: "10" },
  );
  const user = new User(world.ports, world.settings, "ann");
  for (const [session, relay] of [["s1"], ["s2", "c/1"], ["s3", "c/1"]] as const) {
    const request: AdmitRequest = {
      session,
      keeper: { kind: "channel", channel: "c", ...(relay && { relay }) },
      device: { type: "web" },
      transport: "websocket",
      connectedAt: world.now,
      issuedAt: 1,
    };
    expect(await user.admit(request)).toMatchObject({ admitted: true });
  }
  await world.quiet();
  calls.splice(0);
  return {
    world,
    user,
    calls,
    answers: (may: boolean) => {
      mayAnswer = may;
    },
  };
}

test("[RY30] sessions of a relay are shown with their channel, and asked for at the relay", async () => {
  const { user, calls } = await bench();
  const sessions = await user.sessions();
  expect(sessions.map(({ id, channel, lastSeenAt }) => [id, channel, lastSeenAt])).toEqual([
    ["s1", "c", 77],
    ["s2", "c", 77],
    ["s3", "c", 77],
  ]);
  expect(calls).toEqual(["c lastSeen s1", "c/1 lastSeen s2,s3"]);
});

test("[RY30] a broadcast reaches a relay's sessions through it, and a status the channel", async () => {
  const { world, user, calls } = await bench();
  await user.broadcast({ id: "b", frame: "{}", expiresAt: world.now + 1000 });
  expect(calls.splice(0)).toEqual(["c broadcast s1", "c/1 broadcast s2,s3"]);
  await user.setPresence({ status: "busy", scope: "user" });
  await world.quiet();
  expect(calls).toEqual(["c member"]);
});

test("[RY30] who is idle is asked for at the relay before turning away", async () => {
  const { world, user, calls } = await bench();
  await world.pass(10_000, () => user.alarm());
  expect(calls).toEqual(["c lastActive s1", "c/1 lastActive s2,s3", "c member"]);
  expect(await user.presence({ kind: "back end" })).toMatchObject({ status: "away" });
});

test("[RY31] ending a session of a relay is a debt to that relay, which outlasts a crash of the user's object", async () => {
  const { world, user, calls, answers } = await bench();
  answers(false);
  await user.endSession("s2");
  await world.quiet();
  expect(calls.splice(0)).toEqual(["c/1 end s2"]);
  world.crash();
  answers(true);
  const again = new User(world.ports, world.settings, "ann");
  await world.quiet();
  expect(calls.splice(0)).toEqual(["c/1 end s2"]);
  expect((await again.sessions()).map(({ id }) => id)).toEqual(["s1", "s3"]);
  await world.pass(600_000, () => again.alarm());
  expect(calls.filter((call) => call.includes("end"))).toEqual([]); // it was confirmed
});
