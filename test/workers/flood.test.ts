import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { KEY, request, tokenFor } from "./client.ts";

const UPGRADE = { Upgrade: "websocket" };
const BATCH = '{"operations":[{"method":"GET","path":"/v1/channels/lobby"}]}';
const JSON_TYPE = { "Content-Type": "application/json" };

test("[A24] 5,000 bad requests touch no object", async () => {
  const good = await tokenFor("ann");
  const forged = `${good.slice(0, -6)}AAAAAA`;
  const expired = await tokenFor("ann", { exp: 1, iat: 0 });
  const bare = await tokenFor("ann", { channels: {} });
  const bad: [path: string, init: RequestInit, status: number][] = [
    ["/v1/connect", { headers: UPGRADE }, 401],
    ["/v1/connect", { headers: { ...UPGRADE, Authorization: `Bearer ${forged}` } }, 401],
    ["/v1/connect", { headers: { ...UPGRADE, Authorization: `Bearer ${expired}` } }, 401],
    ["/v1/connect", { headers: { ...UPGRADE, Authorization: "Basic YTpi" } }, 401],
    ["/v1/connect", { headers: { ...UPGRADE, "Sec-WebSocket-Protocol": "presence.v1, bearer.x.y.z" } }, 401],
    ["/v1/connect", { headers: { Authorization: `Bearer ${good}` } }, 426],
    ["/v1/connect?device_type=toaster", { headers: { ...UPGRADE, Authorization: `Bearer ${good}` } }, 400],
    ["/v1/channels/a%2Fb/connect", { headers: { ...UPGRADE, Authorization: `Bearer ${good}` } }, 400],
    ["/v1/channels/lobby/connect", { headers: { ...UPGRADE, Authorization: `Bearer ${bare}` } }, 403],
    ["/v1/channels/private:x/connect", { headers: { ...UPGRADE, Authorization: `Bearer ${good}` } }, 403],
    ["/v1/channels/lobby/connect", { headers: { ...UPGRADE, ...KEY } }, 403],
    ["/v1/channels/lobby/messages", { method: "POST", body: "{}", headers: JSON_TYPE }, 401],
    ["/v1/channels/lobby/messages", { method: "POST", body: "{", headers: { ...JSON_TYPE, ...KEY } }, 400],
    ["/v1/channels/lobby/messages", { method: "POST", body: "{}", headers: { ...JSON_TYPE, ...KEY } }, 400],
    [
      "/v1/channels/lobby/messages",
      { method: "POST", body: `{"data":"${"x".repeat(300_000)}"}`, headers: { ...JSON_TYPE, ...KEY } },
      413,
    ],
    ["/v1/channels/lobby/messages?limit=5000", { headers: KEY }, 400],
    ["/v1/channels/lobby", { headers: { Authorization: `Bearer ${good}` } }, 403],
    ["/v1/users/ben/sessions", { headers: { Authorization: `Bearer ${good}` } }, 403],
    ["/v1/users/a b/presence", { headers: KEY }, 400],
    ["/v1/batch", { method: "POST", body: BATCH, headers: JSON_TYPE }, 401],
    ["/v1/batch", { method: "POST", body: BATCH, headers: { Authorization: `Bearer ${good}` } }, 403],
    ["/v1/broadcast", { method: "POST", body: '{"data":1}', headers: JSON_TYPE }, 401],
    ["/v1/broadcast", { method: "POST", body: "{}", headers: KEY }, 400],
    ["/v1/messages", { method: "POST", body: '{"data":1,"users":["ann"]}', headers: JSON_TYPE }, 401],
    ["/v1/messages", { method: "POST", body: '{"data":1}', headers: KEY }, 400],
    ["/v1/users/ann/presence", { headers: { Authorization: "Bearer rollcall-local-development-kez" } }, 401],
  ];
  for (let i = 0; i < 5000; i++) {
    const [path, init, status] = bad[i % bad.length] ?? ["/", {}, 0];
    const answer = await request(path, init);
    if (answer.status !== status && answer.status !== 429)
      // one user asks for a fifth of it
      throw new Error(`${i % bad.length} ${path}: ${answer.status} ${await answer.text()}`);
    await answer.body?.cancel();
  }
  // Objects that were ever touched have an id here: there is none.
  expect(await listDurableObjectIds(env.USER)).toEqual([]);
  expect(await listDurableObjectIds(env.CHANNEL)).toEqual([]);
  expect(await listDurableObjectIds(env.DIRECTORY)).toEqual([]);
}, 60_000);
