import { expect, test } from "vitest";
import type { Entering, Place } from "../../src/objects/relaying.ts";
import { isRefusal } from "../../src/protocol/codes.ts";
import { type PlayedRelay, RelayedChannel } from "../fixtures/relayed-channel.ts";

const entering = (user: string, over: Partial<Entering> = {}): Entering => ({
  session: `${user}-1`,
  user,
  issuedAt: null,
  ...over,
});
const publish = (data: number) => ({
  is: "publish" as const,
  request: { event: "message", dataJson: String(data), from: { user: "ann" } },
  caller: { user: "ann", issuedAt: null },
});
const members = async (world: RelayedChannel) =>
  ((await world.channel.members({ limit: 1000 })) as { members: { user: string; sessions: number }[] })
    .members;
const told = (frames: Record<string, unknown>[], what: "joined" | "left") =>
  frames
    .filter(({ type }) => type === "members")
    .flatMap((frame) => (frame[what] as { user: string }[]).map(({ user }) => user));

test("[RY36] who is connected to relays counts as a member once, with all sessions, and others hear of it", async () => {
  const world = new RelayedChannel();
  const { frames } = await world.connect("ann");
  const [one, two] = [world.relay("c/1"), world.relay("c/2")];
  one.keep("ben", { live: 2, types: ["mobile", "web"] });
  one.keep("ann", { types: ["tv"] });
  await one.say(one.report({ users: ["ann", "ben"] }));
  two.keep("ben", { types: ["tv"], joinedAt: world.bench.now + 5000 });
  await two.say(two.report({ users: ["ben"] }));
  await world.pass(1000);
  expect(told(frames, "joined")).toEqual(["ben"]);
  expect(await members(world)).toMatchObject([
    { user: "ann", sessions: 2, devices: ["tv", "web"] },
    { user: "ben", sessions: 3, devices: ["mobile", "tv", "web"], joinedAt: 1_000_000 },
  ]);
  expect(await world.channel.summary()).toMatchObject({ members: 2, sessions: 5, relays: 2 });
  await world.restart();
  expect(await world.channel.summary()).toMatchObject({ members: 2, sessions: 5, relays: 2 });
  one.members.delete("ben");
  await one.say(one.report({ users: ["ben"] }));
  expect(await members(world)).toMatchObject([{ user: "ann" }, { user: "ben", joinedAt: 1_000_000 }]);
});

test("[RY36] a member of a relay is in its grace as long as the relay says, and then leaves", async () => {
  const world = new RelayedChannel();
  const { frames } = await world.connect("ann");
  const relay = world.relay("c/1");
  relay.keep("ben");
  await relay.say(relay.report({ users: ["ben"] }));
  relay.keep("ben", { live: 0, endedAt: world.bench.now });
  await relay.say(relay.report({ users: ["ben"] }));
  await world.pass(60_000);
  expect(await world.channel.summary()).toMatchObject({ members: 2, sessions: 1 });
  expect(told(frames, "left")).toEqual([]);
  relay.members.delete("ben");
  await relay.say(relay.report({ users: ["ben"] }));
  await world.pass(1000);
  expect(told(frames, "left")).toEqual(["ben"]);
  expect(await world.channel.summary()).toMatchObject({ members: 1, sessions: 1, relays: 0 });
  expect(world.rows("relay_member")).toEqual([]);
});

test("[RY37] a report that comes late or twice changes nothing, also after a restart, and writes nothing", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  relay.keep("ann");
  const first = relay.report({ users: ["ann"] });
  relay.members.delete("ann");
  relay.keep("ben");
  const second = relay.report({ users: ["ann", "ben"] });
  await relay.say(second);
  await relay.say(first);
  expect((await members(world)).map(({ user }) => user)).toEqual(["ben"]);
  await world.restart();
  await relay.say(first);
  await relay.say(second);
  expect((await members(world)).map(({ user }) => user)).toEqual(["ben"]);
});

test("[RY37] where a report was lost the channel wants the next one whole, and then knows everybody", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  relay.keep("ann");
  expect(await relay.say(relay.report({ users: ["ann"] }))).toMatchObject({ isWholeWanted: false });
  relay.keep("ben");
  relay.report({ users: ["ben"] }); // it never arrives
  relay.members.delete("ann");
  relay.report({ users: ["ann"] }); // nor does this
  relay.keep("cleo");
  expect(await relay.say(relay.report({ users: ["cleo"] }))).toMatchObject({ isWholeWanted: true });
  expect(await relay.say(relay.report({ isWhole: true }))).toMatchObject({ isWholeWanted: false });
  expect((await members(world)).map(({ user }) => user)).toEqual(["ben", "cleo"]);
  const rows = JSON.stringify(world.rows("relay_member"));
  world.bench.now += 1000;
  expect(await relay.say(relay.report({}))).toMatchObject({ isWholeWanted: false });
  expect(JSON.stringify(world.rows("relay_member"))).toBe(rows);
});

test("[RY38] who enters is counted in the answer, and begins where the channel stands", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  relay.keep("ann");
  const first = await relay.say(relay.report({ users: ["ann"] }), { entering: [entering("ann")] });
  expect(first.standing).toMatchObject({ count: 1, offset: 0, members: [{ user: "ann" }] });
  expect(first.entered).toMatchObject([{ offset: 0, recovered: false, isLast: true, messagesJson: "[]" }]);
  const { epoch } = first.entered[0] as Place;
  await relay.say(undefined, { requests: [publish(1), publish(2), publish(3)] });
  relay.keep("ben");
  const wanted = { recover: { epoch, offset: 1 }, mayHistory: false };
  const second = await relay.say(relay.report({ users: ["ben"] }), {
    entering: [entering("ben", { wanted })],
  });
  const place = second.entered[0] as Place;
  expect(place).toMatchObject({ epoch, offset: 3, recovered: true, reached: 3, isLast: true });
  expect(JSON.parse(place.messagesJson)).toMatchObject([
    { offset: 2, data: 2 },
    { offset: 3, data: 3 },
  ]);
  expect(second.standing).toMatchObject({ epoch, offset: 3, count: 2 });
});

test("[RY39] what clients of a relay ask is answered in order, as at the channel itself", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  relay.keep("ann");
  const caller = { user: "ann", issuedAt: null };
  const reader = { user: "ann", session: "ann-1" };
  const { replies, entered } = await relay.say(relay.report({ users: ["ann"] }), {
    entering: [entering("ann")],
    requests: [
      publish(1),
      { is: "signal", request: { event: "typing", from: { user: "ann" } }, caller },
      publish(2),
      { is: "history", query: { limit: 10, order: "asc" }, caller },
      { is: "members", query: { limit: 10 }, caller },
      { is: "allow", caller },
    ],
  });
  const { epoch } = entered[0] as Place;
  expect(replies).toMatchObject([
    { is: "publish", published: { epoch, offset: 1 } },
    { is: "signal", refused: null },
    { is: "publish", published: { offset: 2 } },
    { is: "history", page: { epoch, offset: 2 } },
    { is: "members", page: { count: 1, sessions: 1 } },
    { is: "allow", refused: null },
  ]);
  const later = await relay.say(undefined, {
    requests: [
      { is: "read", reader, after: { epoch, offset: 0 }, maxBytes: 1000 },
      { is: "read", reader, after: { epoch: "another", offset: 0 }, maxBytes: 1000 },
      { is: "log", after: { epoch, offset: 1 }, maxBytes: 1000 },
      { is: "log", after: { epoch: "another", offset: 1 }, maxBytes: 1000 },
      {
        is: "stand",
        entering: entering("ann", { wanted: { recover: { epoch, offset: 1 }, mayHistory: true } }),
      },
    ],
  });
  expect(later.replies).toMatchObject([
    { is: "read", frames: { after: { epoch, offset: 2 }, isLast: true } },
    { is: "read", frames: null },
    {
      is: "log",
      page: { said: [{ is: "message", offset: 2, event: "message", at: 1_000_000 }], isLast: true },
    },
    { is: "log", page: null },
    { is: "stand", place: { recovered: true, offset: 2 } },
  ]);
  // What a relay reads is what it is told.
  const [log] = later.replies.filter((reply) => reply.is === "log");
  expect(relay.pushes.flatMap(({ said }) => said)).toContainEqual(log?.page?.said[0]);
});

test("[RY40] who was sent away leaves every relay, although it does not answer at first and the channel crashes", async () => {
  const world = new RelayedChannel();
  const { frames } = await world.connect("eve");
  const [one, two] = [world.relay("c/1"), world.relay("c/2")];
  for (const relay of [one, two]) {
    relay.keep("ann");
    relay.keep("ben");
    await relay.say(relay.report({ isWhole: true }));
  }
  await world.pass(1000);
  two.isAway = true;
  await world.channel.removeMember("ann");
  await world.pass(1000);
  expect(told(frames, "left")).toEqual(["ann"]);
  expect((await members(world)).map(({ user }) => user)).toEqual(["ben", "eve"]);
  expect([one.calls, two.calls].map((calls) => calls.filter((call) => call === "remove ann").length)).toEqual(
    [1, 1],
  );
  await two.say(two.report({ isWhole: true })); // it still keeps ann
  await world.restart();
  expect((await members(world)).map(({ user }) => user)).toEqual(["ben", "eve"]);
  two.isAway = false;
  await world.pass(30_000);
  expect(two.members.has("ann")).toBe(false);
  expect(world.rows("relay_debt")).toEqual([]);
  expect((await members(world)).map(({ user }) => user)).toEqual(["ben", "eve"]);
});

test("[RY40] a token from before the removal enters no relay and is shown to nobody, a later one is", async () => {
  const world = new RelayedChannel();
  const { frames } = await world.connect("eve");
  const second = Math.floor(world.bench.now / 1000);
  await world.channel.removeMember("ann");
  await world.pass(1000); // what changes next is told at once
  const relay = world.relay("c/1");
  relay.keep("ann");
  const old = await relay.say(relay.report({ users: ["ann"] }), {
    entering: [entering("ann", { issuedAt: second })],
  });
  expect(old.entered.map((answer) => isRefusal(answer) && answer.code)).toEqual(["forbidden"]);
  expect(old.isWholeWanted).toBe(false);
  relay.members.delete("ann");
  await relay.say(relay.report({ users: ["ann"] }));
  await world.pass(1000);
  expect(told(frames, "joined")).toEqual([]);
  relay.keep("ann");
  const later = entering("ann", { issuedAt: second + 1 });
  const again = await relay.say(relay.report({ users: ["ann"] }), { entering: [later] });
  expect(again.entered).toMatchObject([{ offset: 0 }]);
  await world.pass(1000);
  expect(told(frames, "joined")).toEqual(["ann"]);
  const asked = { user: "ann", issuedAt: second };
  const { replies } = await relay.say(undefined, {
    requests: [
      { is: "allow", caller: asked },
      { ...publish(1), caller: asked },
    ],
  });
  expect(replies).toMatchObject([{ refused: { code: "forbidden" } }, { published: { code: "forbidden" } }]);
});

test("[RY64] who was sent away before the relay could say that the user is there is sent away from it too", async () => {
  const world = new RelayedChannel();
  const { frames } = await world.connect("eve");
  const relay = world.relay("c/1");
  relay.keep("ann", { live: 0, endedAt: world.bench.now });
  await world.pass(1000);
  await world.channel.removeMember("ann");
  await relay.say(relay.report({ users: ["ann"] }));
  await world.pass(1000);
  expect(relay.calls).toContain("remove ann");
  expect(told(frames, "joined")).toEqual([]);
  expect(await world.channel.members({ limit: 10 })).toMatchObject({ count: 1 });
});

test("[RY40] who comes back to the relay with a new token while the removal is under way stays", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  relay.keep("ann");
  await relay.say(relay.report({ users: ["ann"] }));
  const { port } = relay;
  Object.defineProperty(relay, "port", {
    value: {
      ...port,
      report: async () => {
        const report = relay.report({ isWhole: true });
        // By the time it arrives a later one has.
        const later = { relay: "c/1", report: relay.report({}), entering: [], requests: [] };
        await world.channel.relayed(later);
        return report;
      },
      remove: async (user: string, second: number) => {
        await port.remove(user, second);
        relay.keep("ann", { joinedAt: world.bench.now + 5 });
        await world.channel.relayed({
          relay: "c/1",
          report: relay.report({ users: ["ann"] }),
          entering: [entering("ann", { issuedAt: Math.floor(world.bench.now / 1000) + 1 })],
          requests: [],
        });
      },
    },
  });
  await world.channel.removeMember("ann");
  await world.bench.quiet();
  expect((await members(world)).map(({ user }) => user)).toEqual(["ann"]);
  expect(world.rows("relay_debt")).toEqual([]);
});

test("[RY41] deleting a channel ends everybody at its relays, although one does not answer at first", async () => {
  const world = new RelayedChannel();
  const [one, two] = [world.relay("c/1"), world.relay("c/2")];
  for (const relay of [one, two]) {
    relay.keep(`${relay.name}-ann`.replace("/", "-"));
    await relay.say(relay.report({ isWhole: true }), { entering: [entering("ann")] });
  }
  two.isAway = true;
  await world.channel.forget();
  await world.bench.quiet();
  expect(await world.channel.summary()).toMatchObject({ members: 0, sessions: 0, epoch: null });
  expect(one.calls).toContain("dissolve 4000");
  await two.say(two.report({ isWhole: true })); // it has not heard of it
  expect(await world.count()).toBe(0);
  await world.restart();
  two.isAway = false;
  await world.pass(30_000);
  expect(two.calls.filter((call) => call === "dissolve 4000").length).toBeGreaterThan(1);
  expect([world.rows("relay_debt"), world.rows("relay_member")]).toEqual([[], []]);
});

const offsets = (relay: { pushes: { said: { is: string; offset?: number }[] }[] }) =>
  relay.pushes.flatMap(({ said }) => said.flatMap((one) => (one.is === "message" ? [one.offset] : [])));

/** Relays that keep one user each. */
async function peopled(world: RelayedChannel, count: number) {
  const relays = Array.from({ length: count }, (_, i) => world.relay(`c/${i + 1}`));
  for (const [i, relay] of relays.entries()) {
    relay.keep(`u${i}`);
    await relay.say(relay.report({ isWhole: true }));
  }
  await world.pass(1000);
  for (const relay of relays) relay.pushes.splice(0);
  return relays;
}

test("[RY42] a publish reaches every relay once and in order, each told what came before, and no more than 32 are called", async () => {
  const world = new RelayedChannel();
  const relays = await peopled(world, 100);
  for (const relay of relays) relay.calls.splice(0);
  for (const n of [1, 2, 3]) await world.channel.publish({ event: "message", dataJson: String(n) });
  await world.bench.quiet();
  for (const relay of relays) expect(offsets(relay)).toEqual([1, 2, 3]);
  for (const { pushes } of relays) {
    expect(pushes[0]?.prev).toBe(0);
    const numbers = pushes.map(({ number }) => number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  }
  const called = relays.filter(({ calls }) => calls.includes("push"));
  expect(called).toHaveLength(32);
  // What waits for a relay leaves with the next call.
  expect(Math.max(...called.map(({ calls }) => calls.length))).toBeLessThanOrEqual(2);
});

test("[RY42] a change of the roster and a signal reach the relays, with the roster that came before", async () => {
  const world = new RelayedChannel();
  const [relay] = await peopled(world, 1);
  if (relay === undefined) throw new Error("nobody");
  const { standing } = await relay.say(undefined);
  await world.connect("eve");
  await world.channel.signal({ event: "typing", from: { user: "eve" } });
  await world.bench.quiet();
  const [roster, signal] = relay.pushes.flatMap(({ said }) => said);
  expect([JSON.parse(roster?.text ?? "{}"), JSON.parse(signal?.text ?? "{}")]).toMatchObject([
    { type: "members", count: 2, joined: [{ user: "eve" }] },
    { type: "signal", event: "typing" },
  ]);
  expect(relay.pushes[0]?.rosterBefore).toBe(standing.roster);
  expect(relay.pushes.at(-1)?.roster).toBe((await relay.say(undefined)).standing.roster);
});

/** Two relays of which the second is told by the first. */
async function branchOf(world: RelayedChannel, relays: PlayedRelay[]) {
  await world.channel.signal({ event: "look" });
  await world.bench.quiet();
  const first = relays.find(({ pushes }) => pushes.some(({ rest }) => rest.length > 0));
  const second = first?.pushes.flatMap(({ rest }) => rest)[0];
  if (first === undefined || second === undefined) throw new Error("nobody carries anything");
  for (const { pushes } of relays) pushes.splice(0);
  return { first, second: world.relay(second) };
}

test("[RY43] a relay that was not told is told later where the channel stands, through crashes, and nobody else waits", async () => {
  const world = new RelayedChannel();
  const relays = await peopled(world, 40);
  const { first, second } = await branchOf(world, relays);
  first.isAway = true;
  await world.channel.publish({ event: "message", dataJson: "1" });
  await world.bench.quiet();
  for (const relay of relays) expect(offsets(relay)).toEqual(relay === first || relay === second ? [] : [1]);
  expect(world.rows("push_debt").map(({ user }) => user)).toEqual([first.name, second.name].sort());
  const calls = first.calls.length;
  await world.channel.publish({ event: "message", dataJson: "2" });
  await world.bench.quiet();
  expect(first.calls).toHaveLength(calls); // it waits for its debt
  world.bench.now += 1000; // nobody restarts faster than a few messages are numbered
  await world.restart();
  first.isAway = false;
  await world.pass(30_000);
  expect(world.rows("push_debt")).toEqual([]);
  for (const relay of [first, second]) expect(relay.pushes.at(-1)).toMatchObject({ prev: 2, said: [] });
  await world.channel.publish({ event: "message", dataJson: "3" });
  await world.bench.quiet();
  for (const { pushes } of relays) {
    expect(offsets({ pushes }).at(-1)).toBe(3);
    // Whoever carried it to a relay: what comes later has a higher number.
    const numbers = pushes.map(({ number }) => number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  }
});

test("[RY43] a relay that another could not reach owes nothing to those that were reached", async () => {
  const world = new RelayedChannel();
  const relays = await peopled(world, 40);
  const { second } = await branchOf(world, relays);
  second.isAway = true;
  await world.channel.publish({ event: "message", dataJson: "1" });
  await world.bench.quiet();
  expect(world.rows("push_debt").map(({ user }) => user)).toEqual([second.name]);
  second.isAway = false;
  await world.pass(10_000);
  expect(second.pushes.at(-1)).toMatchObject({ prev: 1, said: [] });
});

test("[F42] what a crash of the channel cut off on its way to the relays they find out within five seconds", async () => {
  const world = new RelayedChannel();
  const [relay] = await peopled(world, 1);
  if (relay === undefined) throw new Error("nobody");
  relay.isAway = true;
  const published = world.channel.publish({ event: "message", dataJson: "1" });
  await published;
  await world.restart(); // the call was under way
  relay.isAway = false;
  relay.pushes.splice(0);
  await world.pass(5_000);
  expect(relay.pushes.at(-1)).toMatchObject({ prev: 1, said: [] });
});

test("[F42] a relay that falls silent is asked, and whoever it has lost is no member any more", async () => {
  const world = new RelayedChannel({ SESSION_TTL_SECONDS: "60" });
  const relays = await peopled(world, 2);
  const [silent, other] = relays;
  if (silent === undefined || other === undefined) throw new Error("nobody");
  silent.members.clear(); // it was lost, and its alarm with it
  for (let minutes = 0; minutes < 3; minutes++) {
    await world.pass(50_000);
    await other.say(other.report({}));
    expect(other.calls).not.toContain("report");
  }
  expect(silent.calls).toContain("report");
  expect(await world.channel.summary()).toMatchObject({ members: 1, relays: 1 });
});

test("[F42] it is asked too where the channel sleeps in between, and again where it does not answer", async () => {
  const world = new RelayedChannel({ SESSION_TTL_SECONDS: "60" });
  const [silent, other] = await peopled(world, 2);
  if (silent === undefined || other === undefined) throw new Error("nobody");
  silent.isAway = true;
  const sleepsFor = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute++) {
      await world.restart();
      await other.say(other.report({}));
      await world.pass(50_000); // it never counts up to the end of a lease
    }
  };
  await sleepsFor(8);
  expect(silent.calls).toContain("report");
  silent.isAway = false;
  silent.members.clear();
  await sleepsFor(8);
  expect(await world.channel.summary()).toMatchObject({ members: 1, relays: 1 });
});

test("[F42] a relay that says it keeps nobody, though others are known there, is asked and forgotten", async () => {
  const world = new RelayedChannel();
  const [relay] = await peopled(world, 1);
  relay?.members.clear();
  await world.channel.publish({ event: "message", dataJson: "1" });
  await world.bench.quiet();
  expect(relay?.calls).toContain("report");
  expect(await world.channel.summary()).toMatchObject({ members: 0, relays: 0 });
  relay?.pushes.splice(0);
  await world.channel.publish({ event: "message", dataJson: "2" });
  await world.bench.quiet();
  expect(relay?.pushes).toEqual([]);
});

test("[RY44] a channel with as many connections as it may have sends newcomers to relays, and takes them again when it has room", async () => {
  const world = new RelayedChannel({ RELAY_CAPACITY: "2" });
  const [ann] = [await world.connect("ann"), await world.connect("ben")];
  const cleo = await world.connect("cleo");
  expect(cleo.answer).toEqual({ relays: ["c/1"] });
  expect(world.bench.sockets).toHaveLength(2);
  const relay = world.relay("c/1");
  relay.keep("cleo", { live: 2 });
  await relay.say(relay.report({ isWhole: true }));
  expect((await world.connect("dan")).answer).toEqual({ relays: ["c/2"] });
  const { answer } = await world.connect("eve", { avoid: ["c/2"] });
  expect(answer).toMatchObject({ relays: expect.arrayContaining(["c/3"]) });
  expect(answer).not.toMatchObject({ relays: expect.arrayContaining(["c/2"]) });
  const next = await world.connect("gus"); // by now the channel knows itself
  expect(next.answer).not.toMatchObject({ relays: expect.arrayContaining(["c/2"]) });
  world.bench.sockets.splice(0, 1);
  world.channel.closed(ann?.socket as never);
  expect((await world.connect("fay")).answer).toBeUndefined();
});

test("[RY45] with REGIONAL_RELAYS who comes from another region than the first has relays there, without it nobody", async () => {
  const regional = new RelayedChannel({ REGIONAL_RELAYS: "true" });
  expect((await regional.connect("ann", { hint: "weur" })).answer).toBeUndefined();
  expect((await regional.connect("ben", { hint: "apac" })).answer).toEqual({ relays: ["c/apac-1"] });
  expect((await regional.connect("cleo", { hint: "weur" })).answer).toBeUndefined();
  expect((await regional.connect("dan")).answer).toBeUndefined(); // nobody knows where
  await regional.restart();
  expect((await regional.connect("eve", { hint: "apac" })).answer).toEqual({ relays: ["c/apac-1"] });
  const plain = new RelayedChannel();
  await plain.connect("ann", { hint: "weur" });
  expect((await plain.connect("ben", { hint: "apac" })).answer).toBeUndefined();
});

test("[RY46] a channel tells back ends how many relays it has, and how many members are where", async () => {
  const world = new RelayedChannel();
  await world.connect("ann", { hint: "weur" });
  const relay = world.relay("c/apac-1");
  relay.keep("ann", { regions: ["apac"] });
  relay.keep("ben", { regions: ["apac", "oc"], live: 2 });
  relay.keep("cleo", { regions: ["apac"], live: 0, endedAt: world.bench.now });
  relay.keep("dan");
  await relay.say(relay.report({ isWhole: true }));
  expect(await world.channel.summary()).toMatchObject({
    ...{ members: 4, sessions: 5, relays: 1 },
    regions: { weur: 1, apac: 2, oc: 1 },
  });
});

test("[RY47] how a user appears outlasts a restart, counts for who is at a relay only, and an older state changes nothing", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  relay.keep("ann", { state: { version: 5, status: "online", isHidden: false } });
  await relay.say(relay.report({ users: ["ann"] }));
  await world.restart();
  await world.channel.setMember("ann", ["ann-1"], { version: 4, status: "busy", isHidden: false });
  expect(await members(world)).toMatchObject([{ status: "online" }]);
  await world.channel.setMember("ann", ["ann-1"], { version: 6, status: "busy", isHidden: false });
  expect(await members(world)).toMatchObject([{ status: "busy" }]);
  relay.keep("ann", { live: 2, state: { version: 5, status: "online", isHidden: false } });
  await relay.say(relay.report({ users: ["ann"] }));
  await world.restart();
  expect(await members(world)).toMatchObject([{ status: "busy", sessions: 2 }]);
  relay.members.delete("ann");
  await relay.say(relay.report({ users: ["ann"] }));
  expect(world.rows("member_state")).toEqual([]);
});

test("[RY39] a request that fails takes no other with it: what was asked besides is done and answered", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  relay.keep("ann");
  await relay.say(relay.report({ users: ["ann"] }));
  world.bench.storage.run("CREATE UNIQUE INDEX rigged ON message (data)");
  const { replies } = await relay.say(undefined, { requests: [publish(1), publish(1), publish(3)] });
  expect(replies).toMatchObject([
    { published: { offset: 1 } },
    { published: { code: "internal" } },
    { published: { offset: 2 } },
  ]);
  expect(world.bench.warned).toContain("message failed");
});

test("[RY47] how a user appears is kept as long as the user is anywhere, here or at a relay", async () => {
  const world = new RelayedChannel({ OFFLINE_GRACE_SECONDS: "1" });
  const { socket } = await world.connect("ann");
  const relay = world.relay("c/1");
  relay.keep("ann");
  await relay.say(relay.report({ users: ["ann"] }));
  await world.channel.setMember("ann", ["ann-1"], { version: 6, status: "busy", isHidden: false });
  relay.members.delete("ann");
  await relay.say(relay.report({ users: ["ann"] }));
  expect(await members(world)).toMatchObject([{ status: "busy" }]);
  relay.keep("ann");
  await relay.say(relay.report({ users: ["ann"] }));
  world.bench.sockets.splice(0);
  world.channel.closed(socket);
  await world.pass(20_000);
  expect(world.rows("session")).toEqual([]);
  expect(await members(world)).toMatchObject([{ status: "busy", sessions: 1 }]);
});

test("[RY40] who is sent away once more while the first call is under way is sent away twice", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  relay.keep("ann");
  await relay.say(relay.report({ users: ["ann"] }));
  const { port } = relay;
  const removed: number[] = [];
  Object.defineProperty(relay, "port", {
    value: {
      ...port,
      remove: async (user: string, second: number) => {
        await port.remove(user, second);
        removed.push(world.bench.now);
        if (removed.length > 1) return;
        relay.keep("ann"); // back with a new token, and sent away again
        await world.channel.relayed({
          relay: "c/1",
          report: relay.report({ users: ["ann"] }),
          entering: [],
          requests: [],
        });
        await world.channel.removeMember("ann");
      },
    },
  });
  await world.channel.removeMember("ann");
  await world.bench.quiet();
  await world.pass(30_000);
  expect(removed).toHaveLength(2);
  expect(relay.members.has("ann")).toBe(false);
  expect([world.rows("relay_debt"), await members(world)]).toEqual([[], []]);
});
