import { afterAll, beforeAll, expect, test } from "vitest";
import { type Connection, connect } from "../../src/client/index.ts";
import { startBareService } from "../fixtures/bare-workerd.ts";
import type { Service } from "../fixtures/process-group.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

let service: Service;
const clients: Connection[] = [];

beforeAll(async () => {
  service = await startBareService({ vars: { SUBSCRIBED_USERS_MAX: "1", OFFLINE_GRACE_SECONDS: "1" } });
});
afterAll(() => {
  for (const client of clients) client.close();
  return service.stop();
});

/** Every socket that was opened, newest last. */
const sockets: WebSocket[] = [];
class Recorded extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols);
    sockets.push(this);
  }
}

async function own(user: string): Promise<Connection> {
  const client = connect({ url: service.url, token: await tokenFor(user), WebSocket: Recorded });
  clients.push(client);
  return client;
}

async function sessionsOf(user: string): Promise<{ id: string; channel?: string }[]> {
  const answer = await fetch(`${service.url}/v1/users/${user}/sessions`, { headers: KEY });
  return ((await answer.json()) as { sessions: { id: string; channel?: string }[] }).sessions;
}

test("[CL93] [CL94] in a channel that takes no more subscribers a client moves to a connection of its own, and nothing is lost", async () => {
  const [ann, ben] = [await own("cl93-ann"), await own("cl93-ben")];
  const hers = ann.channel("cl93");
  await expect.poll(() => hers.state.name).toBe("open");
  await hers.publish("before");
  const his = ben.channel("cl93", { rewind: 10 });
  const states: string[] = [];
  const heard: unknown[] = [];
  his.on("status", ({ name }) => states.push(name));
  his.on("message", ({ offset, data }) => heard.push([offset, data]));
  const looped: unknown[] = [];
  const loop = (async () => {
    for await (const { data } of his) looped.push(data);
  })();
  const early = his.publish("from ben, at once"); // not even joined
  await expect.poll(() => his.state.name).toBe("open");
  expect(states).toEqual(["open"]); // it began with joining
  await early;
  expect((await sessionsOf("cl93-ben")).map(({ channel }) => channel).sort()).toEqual(["cl93", undefined]);
  await expect.poll(() => [...hers.members.keys()].sort()).toEqual(["cl93-ann", "cl93-ben"]);
  // Ben's connection to the channel is cut while Ann talks.
  const all = ["before", "from ben, at once"];
  for (let i = 0; i < 30; i++) {
    all.push(`message ${i}`);
    await hers.publish(`message ${i}`);
    if (i === 10) sockets.findLast(({ url }) => url.includes("/channels/cl93/"))?.close();
  }
  all.push("from ben, at last");
  await his.publish("from ben, at last");
  await expect.poll(() => heard.length).toBe(all.length);
  expect(states).toEqual(["open", "waiting", "joining", "open"]);
  expect(heard).toEqual(all.map((data, i) => [i + 1, data]));
  await his.leave();
  await loop;
  expect(looped).toEqual(all.slice(all.length - looped.length));
  expect(looped.length).toBeGreaterThanOrEqual(all.length - 1);
  await expect.poll(() => [...hers.members.keys()], { timeout: 10_000 }).toEqual(["cl93-ann"]);
  await expect.poll(async () => (await sessionsOf("cl93-ben")).length).toBe(1);
  expect(ben.state.name).toBe("open");
});

test("[CL95] [CL97] a connection of its own that was asked for hears those who subscribe", async () => {
  const [ann, ben] = [await own("cl95-ann"), await own("cl95-ben")];
  const his = ben.channel("cl95", { connection: "own" });
  await expect.poll(() => his.state.name).toBe("open");
  const signals: unknown[] = [];
  his.on("signal", ({ event, from }) => signals.push([event, from?.user]));
  const hers = ann.channel("cl95");
  await expect.poll(() => hers.state.name).toBe("open");
  expect(hers.signal("typing")).toBe(true);
  expect(his.signal("not heard by himself")).toBe(true);
  await expect.poll(() => signals).toEqual([["typing", "cl95-ann"]]);
  const { offset } = await his.publish("one");
  const { messages } = await hers.history();
  expect(messages).toMatchObject([{ offset, data: "one", from: { user: "cl95-ben" } }]);
});
