import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const API_KEYS = [
  "dev=rollcall-local-development-key",
  "ops:ops=a-key-that-only-operates",
  "pub:publish=a-key-that-only-publishes",
].join(",");

let service: Service;

beforeAll(async () => {
  service = await startService({ vars: { OFFLINE_GRACE_SECONDS: "0.2", API_KEYS } });
});
afterAll(() => service.stop());

const get = (path: string, headers: Record<string, string> = KEY) => fetch(service.url + path, { headers });
const read = async (path: string) => (await (await get(path)).json()) as Record<string, unknown>;
const refusedWith = async (path: string, headers?: Record<string, string>) => {
  const answer = await get(path, headers);
  return `${answer.status} ${((await answer.json()) as { code: string }).code}`;
};
const bearer = (text: string) => ({ Authorization: `Bearer ${text}` });

async function connected(user: string, channel?: string): Promise<RawClient> {
  const token = await tokenFor(user);
  return RawClient.welcomed({ url: service.url, token, ...(channel && { channel }) });
}

/** Every page of a list, one after the other; `between` happens before each next one. */
async function pages<Entry>(path: string, field: string, between = async () => {}): Promise<Entry[]> {
  const found: Entry[] = [];
  let cursor: unknown;
  do {
    const page = await read(
      `${path}${cursor === undefined ? "" : `&cursor=${encodeURIComponent(`${cursor}`)}`}`,
    );
    found.push(...(page[field] as Entry[]));
    cursor = page.cursor;
    await between();
  } while (cursor !== undefined);
  return found;
}

test("[DI5] pages over four shards show everybody who stays exactly once, while people come and go", async () => {
  const staying = await Promise.all(Array.from({ length: 24 }, (_, i) => connected(`stay-${i}`)));
  const users = staying.map((_, i) => `stay-${i}`);
  const count = async () => (await read("/v1/presence")).count;
  await expect.poll(count).toBe(24);
  let last: RawClient | undefined;
  let round = 0;
  const comeAndGo = async () => {
    await last?.close();
    last = await connected(`come-and-go-${round++}`);
  };
  for (const limit of [1, 5, 1000]) {
    const found = await pages<{ user: string }>(`/v1/presence?limit=${limit}`, "users", comeAndGo);
    const names = found.map(({ user }) => user);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((user) => user.startsWith("stay-")).sort()).toEqual([...users].sort());
  }
  await last?.close();
  await expect.poll(count).toBe(24);
  await Promise.all(staying.map((client) => client.close()));
  await expect.poll(count).toBe(0);
});

test("[DI6] a cursor that is not ours, or of another number of shards, is refused", async () => {
  for (const cursor of ["x", "%00", btoa("5 0 ann"), btoa("4 0"), btoa("4 x ann")]) {
    expect(await refusedWith(`/v1/presence?cursor=${encodeURIComponent(cursor)}`)).toBe("400 bad_request");
    expect(await refusedWith(`/v1/channels?cursor=${encodeURIComponent(cursor)}`)).toBe("400 bad_request");
  }
  for (const limit of ["0", "1001", "1.5", "many", ""]) {
    expect(await refusedWith(`/v1/presence?limit=${limit}`)).toBe("400 bad_request");
  }
});

test("[DI7] the presence of many is answered in the order asked, as this reader may see it", async () => {
  const ann = await connected("ann");
  const ben = await connected("ben");
  await ann.ask({ type: "presence", status: "busy", text: "deep work", visibility: "nobody" });
  await ben.ask({ type: "presence", status: "away" });
  const statuses = async (headers: Record<string, string>) => {
    const { users } = (await (await get("/v1/presence?users=ben,nobody,ann", headers)).json()) as {
      users: { user: string; status: string }[];
    };
    return users.map(({ user, status }) => `${user} ${status}`);
  };
  expect(await statuses(KEY)).toEqual(["ben away", "nobody offline", "ann busy"]);
  expect(await statuses(bearer(await tokenFor("ben")))).toEqual([
    "ben away",
    "nobody offline",
    "ann offline",
  ]);
  expect(await statuses(bearer(await tokenFor("ann")))).toEqual(["ben away", "nobody offline", "ann busy"]);
  const limited = bearer(await tokenFor("ben", { watch: ["a*"] }));
  expect(await refusedWith("/v1/presence?users=ann,cleo", limited)).toBe("403 forbidden");
  expect((await get("/v1/presence?users=ann,ben", limited)).status).toBe(200);
  await ann.close();
  await ben.close();
});

test("[DI7] one to two hundred users are asked for, each once, with a valid id", async () => {
  const users = Array.from({ length: 201 }, (_, i) => `u${i}`);
  expect(((await read(`/v1/presence?users=${users.slice(1)}`)).users as unknown[]).length).toBe(200);
  expect(await refusedWith(`/v1/presence?users=${users}`)).toBe("400 bad_request");
  for (const asked of ["", "ann,", "ann,ann", "a%20b"]) {
    expect(await refusedWith(`/v1/presence?users=${asked}`)).toBe("400 bad_request");
  }
});

test("[DI8] occupied channels are listed by prefix, each as long as somebody is there", async () => {
  const clients = await Promise.all(
    ["room:a", "room:b", "room:b2", "hall"].map((channel) => connected("ann", channel)),
  );
  clients.push(await connected("ben", "room:b"));
  const listed = async (prefix: string, limit = 100) => {
    const path = `/v1/channels?prefix=${prefix}&limit=${limit}`;
    const found = await pages<{ channel: string; members: number }>(path, "channels");
    return found.map(({ channel, members }) => `${channel} ${members}`).sort();
  };
  const changed = { timeout: 12_000 }; // a changed count is told within ten seconds
  await expect.poll(() => listed("room:"), changed).toEqual(["room:a 1", "room:b 2", "room:b2 1"]);
  expect(await listed("room:b", 1)).toEqual(["room:b 2", "room:b2 1"]);
  expect(await listed("")).toContain("hall 1");
  expect(await listed("nowhere")).toEqual([]);
  expect(await refusedWith("/v1/channels?prefix=a%20b")).toBe("400 bad_request");
  await Promise.all(clients.map((client) => client.close()));
  await expect.poll(() => listed("")).toEqual([]);
});

test("[DI9] the stats count users online, their sessions and occupied channels", async () => {
  const clients = [await connected("ann"), await connected("ann", "hall"), await connected("ben", "hall")];
  await expect.poll(() => read("/v1/stats")).toMatchObject({ usersOnline: 2, sessions: 3, channels: 1 });
  expect((await get("/v1/stats", bearer("a-key-that-only-operates"))).status).toBe(200);
  await Promise.all(clients.map((client) => client.close()));
  await expect.poll(() => read("/v1/stats")).toMatchObject({ usersOnline: 0, sessions: 0, channels: 0 });
});

test("[DI18] the lists are for keys that may read, the stats for those that operate too", async () => {
  const user = bearer(await tokenFor("ann"));
  for (const path of ["/v1/presence", "/v1/channels", "/v1/stats"]) {
    expect(await refusedWith(path, user)).toBe("403 forbidden");
    expect(await refusedWith(path, bearer("a-key-that-only-publishes"))).toBe("403 forbidden");
    expect(await refusedWith(path, {})).toBe("401 unauthenticated");
  }
  expect(await refusedWith("/v1/presence", bearer("a-key-that-only-operates"))).toBe("403 forbidden");
  expect(await refusedWith("/v1/presence?users=ann", bearer("a-key-that-only-operates"))).toBe(
    "403 forbidden",
  );
  expect(await refusedWith("/v1/presence?users=ann", {})).toBe("401 unauthenticated");
});
