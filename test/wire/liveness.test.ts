import { type ChildProcess, spawn } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient, type RawFrame } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const TTL_MS = 8000;
let service: Service;

beforeAll(async () => {
  service = await startService({
    vars: { SESSION_TTL_SECONDS: "8", HEARTBEAT_INTERVAL_SECONDS: "2", OFFLINE_GRACE_SECONDS: "1" },
  });
});
afterAll(() => service.stop());

const left = (user: string) => (frame: RawFrame) =>
  (frame.left as { user: string }[]).some((gone) => gone.user === user);

async function read(path: string): Promise<Record<string, unknown>> {
  return (await (await fetch(service.url + path, { headers: KEY })).json()) as Record<string, unknown>;
}

/** Resolves with the rest of the line once the process prints one that starts with `word`. */
function printed(child: ChildProcess, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const line = text.split("\n").find((candidate) => candidate.startsWith(word));
      if (line !== undefined) resolve(line.slice(word.length).trim());
    });
    child.once("exit", () => reject(new Error(`ended before it printed ${word}: ${text}`)));
  });
}

async function stoppable(user: string, channel: string): Promise<ChildProcess> {
  const script = new URL("../fixtures/stoppable-client.ts", import.meta.url).pathname;
  const args = [script, service.url, await tokenFor(user), channel, "2000"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await printed(child, "welcomed");
  return child;
}

test.concurrent("[F23] a stopped client is gone within twice the TTL and learns 4002 when it wakes", async () => {
  const ann = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("ann"),
    channel: "f23",
    pingEveryMs: 2000,
    answersProbes: true,
  });
  const child = await stoppable("ben", "f23");
  const closed = printed(child, "closed");
  await ann.next("members", (frame) =>
    (frame.joined as { user: string }[]).some(({ user }) => user === "ben"),
  );
  child.kill("SIGSTOP");
  const stoppedAt = Date.now();
  await ann.next("members", left("ben"), 2 * TTL_MS + 5000);
  const gone = Date.now() - stoppedAt;
  expect(gone).toBeLessThanOrEqual(2 * TTL_MS);
  expect(gone).toBeGreaterThan(TTL_MS - 2000); // a shorter silence must not end anybody
  expect(await read("/v1/users/ben/sessions")).toEqual({ sessions: [] });
  expect(await read("/v1/users/ben/presence")).toMatchObject({ status: "offline" });
  child.kill("SIGCONT");
  expect(await closed).toBe("4002");
}, 60_000);

test.concurrent("[LV1] who only pings stays for many TTLs, and so does who only answers probes", async () => {
  const pings = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("cat"),
    channel: "lv1",
    pingEveryMs: 2000,
  });
  const probed = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("dan"),
    channel: "lv1",
    answersProbes: true,
  });
  const own = await RawClient.welcomed({ url: service.url, token: await tokenFor("eve"), pingEveryMs: 2000 });
  await new Promise((resolve) => setTimeout(resolve, 4 * TTL_MS));
  expect(await read("/v1/channels/lv1/members")).toMatchObject({ count: 2, sessions: 2 });
  expect(await read("/v1/users/eve/presence")).toMatchObject({ status: "online" });
  expect(probed.frames.some(({ type }) => type === "probe")).toBe(true);
  expect(pings.frames.some(({ type }) => type === "probe")).toBe(false);
  expect(pings.frames.some(({ type }) => type === "members")).toBe(true); // dan came, and nobody ever left
  expect(pings.frames.filter(({ type }) => type === "members").some(left("dan"))).toBe(false);
  await own.close();
}, 60_000);

test.concurrent("[LV2] a read never counts a silent user connection, and asks it at once", async () => {
  const silent = await RawClient.welcomed({ url: service.url, token: await tokenFor("fay") });
  expect(await read("/v1/users/fay/presence")).toMatchObject({ status: "online" });
  await new Promise((resolve) => setTimeout(resolve, TTL_MS + 500));
  expect(await read("/v1/users/fay/presence")).toMatchObject({ status: "offline" });
  expect(await read("/v1/users/fay/sessions")).toEqual({ sessions: [] });
  await silent.next("probe");
  expect((await silent.closed).code).toBe(4002);
}, 60_000);

test.concurrent("[LV3] a token that ends closes its connection with 4001, after the leeway and within 5 s", async () => {
  const exp = Math.floor(Date.now() / 1000) - 27; // 3 s of the 30 s of leeway are left
  const ann = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("gus", { exp, iat: exp - 60 }),
    channel: "lv3",
  });
  const closing = await ann.next("closing"); // the close event itself may come ten seconds later here
  const late = Date.now() - (exp + 30) * 1000;
  expect(closing).toMatchObject({ code: 4001, reconnect: true });
  expect(late).toBeGreaterThanOrEqual(0);
  expect(late).toBeLessThan(5000);
  expect((await ann.closed).code).toBe(4001);
}, 60_000);
