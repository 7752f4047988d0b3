import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient, type RawFrame } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const AWAY_AFTER_MS = 2000;
let service: Service;

beforeAll(async () => {
  const vars = { OFFLINE_GRACE_SECONDS: "1", AWAY_AFTER_SECONDS: String(AWAY_AFTER_MS / 1000) };
  service = await startService({ vars });
});
afterAll(() => service.stop());

type List = "joined" | "left" | "changed";
interface Seen {
  user: string;
  status?: string;
  devices?: string[];
  joinedAt?: number;
}

async function join(user: string, channel: string, device = "web"): Promise<RawClient> {
  return RawClient.welcomed({ url: service.url, token: await tokenFor(user), channel, device });
}

async function members(
  channel: string,
  reader?: string,
): Promise<{ count: number; sessions: number; members: Seen[] }> {
  const headers = reader === undefined ? KEY : { Authorization: `Bearer ${await tokenFor(reader)}` };
  return (await (await fetch(`${service.url}/v1/channels/${channel}/members`, { headers })).json()) as never;
}

/** What was or will be told of this user in such a list, where it is as asked. */
async function told(client: RawClient, list: List, user: string, isIt: (seen: Seen) => boolean = () => true) {
  const find = (frame: RawFrame) => (frame[list] as Seen[]).find((seen) => seen.user === user && isIt(seen));
  return find(await client.next("members", (frame) => find(frame) !== undefined)) as Seen;
}

const has = (status: string) => (seen: Seen) => seen.status === status;

test("[RO12] busy is seen by the others, in frames, on joining and over HTTP", async () => {
  const ann = await join("ann-12", "ro12");
  const ben = await join("ben-12", "ro12");
  expect(await told(ann, "joined", "ben-12")).toMatchObject({ status: "online", devices: ["web"] });
  const own = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("ben-12"),
    device: "mobile",
  });
  await own.ask({ type: "presence", status: "busy" });
  expect(await told(ann, "changed", "ben-12")).toMatchObject({ status: "busy", devices: ["web"] });
  const cat = await join("cat-12", "ro12");
  expect(cat.welcome.members).toMatchObject([{ status: "online" }, { user: "ben-12", status: "busy" }, {}]);
  expect((await members("ro12", "ann-12")).members[1]).toMatchObject({ user: "ben-12", status: "busy" });
  await own.close(); // what was said for one session ends with it
  await told(ann, "changed", "ben-12", has("online"));
  await Promise.all([ann.close(), ben.close(), cat.close()]);
});

test("[RO13] who turns invisible leaves, and joins again on return as of before", async () => {
  const ann = await join("ann-13", "ro13");
  const ben = await join("ben-13", "ro13");
  const { joinedAt } = await told(ann, "joined", "ben-13");
  await ben.ask({ type: "presence", status: "invisible" });
  await told(ann, "left", "ben-13");
  const before = ann.frames.length;
  const other = await join("ben-13", "ro13", "tv"); // whatever it does now is no news
  expect(other.welcome).toMatchObject({ count: 1, members: [{ user: "ann-13" }] });
  await other.close();
  await new Promise((resolve) => setTimeout(resolve, 1500)); // longer than the grace
  const ofBen = ann.frames.slice(before).filter((frame) => JSON.stringify(frame).includes("ben-13"));
  expect(ofBen).toEqual([]); // by then ann may be away
  await ben.ask({ type: "presence", status: null });
  const back = await ann.next("members", (frame) => (frame.joined as Seen[]).length > 0 && frame.count === 2);
  expect(back).toMatchObject({ joined: [{ user: "ben-13", joinedAt }] });
  await Promise.all([ann.close(), ben.close()]);
});

test("[RO14] a key sees the hidden, marked, and counts them; users do not", async () => {
  const ann = await join("ann-14", "ro14");
  const ben = await join("ben-14", "ro14");
  await told(ann, "joined", "ben-14");
  await ben.ask({ type: "presence", status: "invisible" });
  await told(ann, "left", "ben-14");
  const all = await members("ro14");
  expect(all).toMatchObject({
    count: 2,
    sessions: 2,
    members: [{ user: "ann-14" }, { user: "ben-14", hidden: true }],
  });
  expect(all.members[1]).not.toHaveProperty("status");
  expect(await members("ro14", "ann-14")).toMatchObject({
    count: 1,
    sessions: 1,
    members: [{ user: "ann-14" }],
  });
  expect(await ann.ask({ type: "members" })).toMatchObject({ count: 1, members: [{ user: "ann-14" }] });
  const summary = await fetch(`${service.url}/v1/channels/ro14`, { headers: KEY });
  expect(await summary.json()).toMatchObject({ members: 2, sessions: 2 });
  await Promise.all([ann.close(), ben.close()]);
});

test("[RO18] closing one of two devices of different types is a change", async () => {
  const ann = await join("ann-18", "ro18");
  const web = await join("ben-18", "ro18", "web");
  const mobile = await join("ben-18", "ro18", "mobile");
  await told(ann, "changed", "ben-18", ({ devices }) => devices?.length === 2);
  await web.close();
  expect(await told(ann, "changed", "ben-18", ({ devices }) => devices?.length === 1)).toMatchObject({
    devices: ["mobile"],
  });
  await Promise.all([ann.close(), mobile.close()]);
});

test("[RO19] presence and another device are said on a channel connection as on the user's own", async () => {
  const ann = await join("ann-19", "ro19");
  const ben = await join("ben-19", "ro19");
  await told(ann, "joined", "ben-19");
  const said = await ben.ask({ type: "presence", status: "busy", text: "in a call", expiresInSeconds: 3 });
  expect(said).toMatchObject({
    type: "ok",
    user: "ben-19",
    status: "busy",
    text: "in a call",
    devices: ["web"],
  });
  await told(ann, "changed", "ben-19", has("busy"));
  const device = { id: "d1", type: "tv", name: "big screen" };
  expect((await ben.ask({ type: "heartbeat", device })).type).toBe("ok");
  await told(ann, "changed", "ben-19", ({ devices }) => devices?.[0] === "tv");
  const sessions = await fetch(`${service.url}/v1/users/ben-19/sessions`, { headers: KEY });
  expect(await sessions.json()).toMatchObject({ sessions: [{ channel: "ro19", device }] });
  expect(await ben.ask({ type: "presence", status: "offline" })).toMatchObject({
    code: "bad_request",
    errors: [{ path: "status" }],
  });
  await ann.next("members", (frame) =>
    (frame.changed as Seen[]).some((seen) => seen.status !== "busy" && seen.devices?.[0] === "tv"),
  );
  await Promise.all([ann.close(), ben.close()]);
});

test("[RO20] away after the time and back with the next thing done, all over a channel connection", async () => {
  const since = Date.now();
  const ann = await join("ann-20", "ro20");
  const ben = await join("ben-20", "ro20");
  await told(ann, "joined", "ben-20");
  const beat = setInterval(() => ben.send({ type: "heartbeat" }), 200); // no activity
  const act = setInterval(() => ann.send({ type: "members", limit: 1 }), 300);
  await told(ann, "changed", "ben-20", has("away"));
  expect(Date.now() - since).toBeGreaterThanOrEqual(AWAY_AFTER_MS);
  const before = ann.frames.length;
  await ben.ask({ type: "publish", data: "back" });
  await told(ann, "changed", "ben-20", has("online"));
  const frames = ann.frames.slice(before).filter(({ type }) => type === "members");
  expect(frames).toMatchObject([{ changed: [{ user: "ben-20", status: "online" }] }]);
  expect((await members("ro20")).members[0]).toMatchObject({ user: "ann-20", status: "online" }); // never away
  clearInterval(beat);
  clearInterval(act);
  await Promise.all([ann.close(), ben.close()]);
});
