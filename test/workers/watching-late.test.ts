import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { objectsOf } from "../../src/objects/stubs.ts";
import { until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";
import { aWhile, later, meddle, rows, say, seen, watch } from "./watch.ts";

/* Words between users' objects that are lost, come late, or overtake one another. */

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const user = (name: string) => env.USER.getByName(name);
const port = (name: string) => objectsOf(env).user(name);
const never = (name: string) => ({
  type: "presence",
  ...{ user: name, status: "offline", lastActiveAt: null, devices: [] },
});
const row = async (watched: string) => (await rows(watched, "SELECT * FROM watcher"))[0];

/** What a client was shown that a user said, one after the other; null where it was nothing. */
const texts = (client: WorkerClient, name: string) =>
  client.ofType("presence").flatMap((frame) => (frame.user === name ? [frame.text ?? null] : []));

/** Memory, sockets and calls of one object are gone. */
async function crash(name: string): Promise<void> {
  await runInDurableObject(user(name), (_, state) => state.abort("crash")).catch(() => undefined);
}

/** Eve is hidden from, and watches; nobody else does. */
async function hiddenFrom(eve: string, bob: string): Promise<WorkerClient> {
  await say(bob, { text: "here", visibility: "nobody" });
  const client = await WorkerClient.connect(eve);
  await watch(client, [bob]);
  expect((await row(bob))?.hidden).toBe(1);
  return client;
}

test("[WA20] who was shown a user without a word of it coming back is told when it hides again", async () => {
  const eve = await hiddenFrom("wa20-lost-eve", "wa20-lost-bob");
  meddle("wa20-lost-eve", "notice", async (carryOut) => {
    await carryOut();
    throw new Error("the reply is lost");
  });
  await say("wa20-lost-bob", { visibility: "everyone" });
  await until(() => texts(eve, "wa20-lost-bob").at(-1) === "here");
  await until(async () => (await row("wa20-lost-bob"))?.tries === 1);
  vi.restoreAllMocks();
  await say("wa20-lost-bob", { visibility: "nobody" });
  await until(() => seen(eve, "wa20-lost-bob").length === 2);
  expect(eve.ofType("presence").at(-1)).toEqual(never("wa20-lost-bob"));
  await until(async () => (await row("wa20-lost-bob"))?.hidden === 1);
  expect(await row("wa20-lost-bob")).toMatchObject({ tries: 0, due_at: null });
  eve.socket.close(1000);
});

test("[WA20] likewise where the object crashes between its word and the row", async () => {
  const eve = await hiddenFrom("wa20-crash-eve", "wa20-crash-bob");
  let crashed: Promise<void> | undefined;
  meddle("wa20-crash-eve", "notice", async (carryOut) => {
    const answer = await carryOut();
    crashed ??= crash("wa20-crash-bob");
    await crashed;
    return answer;
  });
  await say("wa20-crash-bob", { visibility: "everyone" });
  await until(() => texts(eve, "wa20-crash-bob").at(-1) === "here");
  await crashed;
  vi.restoreAllMocks();
  await say("wa20-crash-bob", { visibility: "nobody" });
  await until(async () => {
    await runDurableObjectAlarm(user("wa20-crash-bob"));
    return seen(eve, "wa20-crash-bob").length === 2;
  });
  expect(eve.ofType("presence").at(-1)).toEqual(never("wa20-crash-bob"));
  eve.socket.close(1000);
});

test("[WA12] a crash before the word that shows a user leaves keeps nobody from it", async () => {
  const eve = await hiddenFrom("wa12-show-eve", "wa12-show-bob");
  let crashed: Promise<void> | undefined;
  meddle("wa12-show-eve", "notice", async (carryOut) => {
    if (crashed !== undefined) return carryOut();
    crashed = crash("wa12-show-bob");
    await crashed;
    throw new Error("it never arrived");
  });
  await say("wa12-show-bob", { visibility: "everyone" });
  await until(() => crashed !== undefined);
  await crashed;
  await until(async () => {
    await runDurableObjectAlarm(user("wa12-show-bob"));
    return seen(eve, "wa12-show-bob").length === 1;
  });
  expect(texts(eve, "wa12-show-bob")).toEqual(["here"]);
  eve.socket.close(1000);
});

test("[WA20] a renewal whose answer is lost is no word of hiding, nor of being seen again", async () => {
  const eve = await WorkerClient.connect("wa20-renew-eve");
  await say("wa20-renew-bob", { text: "here" });
  await watch(eve, ["wa20-renew-bob"]);
  const order = Number((await row("wa20-renew-bob"))?.ordered_at);
  const bob = port("wa20-renew-bob");
  for (const [visibility, shown] of [
    ["nobody", null],
    ["everyone", "here"],
  ] as const) {
    const said = bob.setPresence({ visibility });
    await bob.watchedBy("wa20-renew-eve", order); // its answer ends here, before the moment is over
    await said;
    await until(() => texts(eve, "wa20-renew-bob").at(-1) === shown);
  }
  await aWhile();
  expect(eve.ofType("presence")).toHaveLength(2);
  eve.socket.close(1000);
});

test("[WA20] to be shown and hidden again costs one row a watcher each, and two of the job", async () => {
  const eve = await hiddenFrom("wa20-cost-eve", "wa20-cost-bob");
  for (const [visibility, hidden] of [
    ["everyone", 0],
    ["nobody", 1],
  ] as const) {
    const meter = await Meter.on(user("wa20-cost-bob"));
    await say("wa20-cost-bob", { visibility });
    await until(async () => (await rows("wa20-cost-bob", "SELECT * FROM notice_job")).length === 0);
    meter.off();
    expect((await row("wa20-cost-bob"))?.hidden).toBe(hidden);
    const written = meter.statements.filter((statement) => /watcher|notice_job/.test(statement));
    expect(written.map((statement) => statement.split(" ", 2)[0])).toEqual(["INSERT", "UPDATE", "DELETE"]);
  }
  eve.socket.close(1000);
});

test("[WA26] a notice that is confirmed after a newer one failed settles nothing of that", async () => {
  const ann = await WorkerClient.connect("wa26-ann");
  await watch(ann, ["wa26-bob"]);
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const heard: string[] = [];
  meddle("wa26-ann", "notice", async (carryOut, [{ presence }]) => {
    heard.push(String(presence.text));
    if (heard.length !== 2) throw new Error("too busy");
    await released;
    return carryOut();
  });
  await say("wa26-bob", { text: "five" });
  await until(async () => (await row("wa26-bob"))?.tries === 1);
  await later("wa26-bob", 6_000); // the first retry, which waits
  await until(() => heard.length === 2);
  await say("wa26-bob", { text: "six" });
  await until(async () => heard.length === 3 && (await row("wa26-bob"))?.tries === 1);
  release();
  await until(() => ann.ofType("presence").length === 1);
  vi.restoreAllMocks();
  await aWhile();
  expect([heard, ann.ofType("presence")[0]?.text]).toEqual([["five", "five", "six"], "five"]);
  expect((await row("wa26-bob"))?.due_at).not.toBeNull();
  await later("wa26-bob", 20_000);
  await until(() => ann.ofType("presence").at(-1)?.text === "six");
  await until(async () => (await row("wa26-bob"))?.due_at === null);
  ann.socket.close(1000);
});
