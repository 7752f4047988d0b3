import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connect } from "../../src/client/index.ts";
import { startBareService } from "../fixtures/bare-workerd.ts";
import { freePort, type Service } from "../fixtures/process-group.ts";
import { RawClient } from "../fixtures/raw-client.ts";
import { DEVELOPMENT_SECRET as OLD, signed } from "../fixtures/tokens.ts";
import { until } from "../fixtures/until.ts";

const NEXT = "the-next-secret-of-local-development-is-public-too";
const OLD_KEY = "shop=the-old-key-of-the-shop";
const NEXT_KEY = "shop=the-next-key-of-the-shop";

const claims = (user: string) => ({ sub: user, exp: Math.floor(Date.now() / 1000) + 3600 });
const post = (url: string, path: string, credential: string, body: unknown) =>
  fetch(url + path, {
    method: "POST",
    headers: { Authorization: `Bearer ${credential}` },
    body: JSON.stringify(body),
  });

/** Each setting is one deployment: everything is stopped, and starts anew on the same storage. */
const DEPLOYMENTS = {
  old: { JWT_SECRET: OLD, API_KEYS: OLD_KEY },
  both: { JWT_SECRET: NEXT, JWT_SECRET_PREVIOUS: OLD, API_KEYS: `${NEXT_KEY},${OLD_KEY}` },
  next: { JWT_SECRET: NEXT, API_KEYS: NEXT_KEY },
};

test("[DP2] [DP3] secrets and keys change in three deployments, and nobody who is connected is refused once", async () => {
  const persistTo = await mkdtemp(join(tmpdir(), "rollcall-rotation-"));
  const port = await freePort();
  const start = (vars: Record<string, string>) => startBareService({ port, persistTo, vars });
  let service: Service = await start(DEPLOYMENTS.old);
  const { url } = service;
  // Until the back end changes over, every token is signed with the old secret.
  let signing = OLD;
  const ann = connect({ url, token: () => signed(claims("ann"), signing), channel: "keys" });
  try {
    // A token that is refused closes a client for good: so that it is open again says that it never was.
    const isOpen = () => ann.state.name === "open";
    await until(isOpen, 10_000, "not connected");
    const { ticket } = (await (
      await post(url, "/v1/tickets", await signed(claims("ben"), OLD), { ttlSeconds: 60 })
    ).json()) as { ticket: string };
    const said = { data: 1, key: "once" };
    const publish = (key: string) => post(url, "/v1/channels/keys/messages", key, said);
    expect((await publish("the-old-key-of-the-shop")).status).toBe(201);

    await service.kill();
    service = await start(DEPLOYMENTS.both);
    await until(isOpen, 20_000, "the old secret does not connect");
    const ben = await RawClient.welcomed({ url, query: { ticket } });
    await ben.close();
    // One name is one principal: what it published with the old key is not published again with the new one.
    expect((await publish("the-next-key-of-the-shop")).status).toBe(200);
    expect((await publish("the-old-key-of-the-shop")).status).toBe(200);
    signing = NEXT;

    await service.kill();
    service = await start(DEPLOYMENTS.next);
    await until(isOpen, 20_000, "the new secret does not connect");
    expect((await publish("the-next-key-of-the-shop")).status).toBe(200);
    expect((await publish("the-old-key-of-the-shop")).status).toBe(401);
    const late = await post(url, "/v1/channels/keys/messages", await signed(claims("ann"), OLD), said);
    expect(late.status).toBe(401);
  } finally {
    ann.close();
    await service.stop();
    await rm(persistTo, { recursive: true, force: true });
  }
});
