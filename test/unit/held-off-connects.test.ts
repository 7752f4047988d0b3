import { expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { tooManyConnects } from "../../src/objects/held-off.ts";
import type { ConnectRequest, UserPort } from "../../src/objects/ports.ts";
import type { Refusal } from "../../src/protocol/codes.ts";
import { ObjectBench, portWith } from "../fixtures/object-bench.ts";

const WAIT_MS = 3000;

/** A channel whose users' objects refuse every connection for their number, or for `other`. */
function channelOf(refused: Refusal) {
  const asked: string[] = [];
  const user = (name: string) =>
    portWith<UserPort>({
      admit: async () => {
        asked.push(name);
        return { admitted: false, refused };
      },
    });
  const bench = new ObjectBench({ user });
  const channel = new Channel(bench.ports, bench.settings, "lobby");
  const connect = (name: string) => {
    const request: ConnectRequest = {
      user: name,
      device: { type: "web" },
      transport: "websocket",
      claims: { sub: name, exp: 1e10 },
    };
    return channel.connect(request, () => {
      throw new Error("nobody is let in");
    });
  };
  return { bench, connect, asked };
}

test("[LM9] a channel asks once for a user that connects too often, and until the time named writes nothing more", async () => {
  const { bench, connect, asked } = channelOf(tooManyConnects(WAIT_MS));
  expect(await connect("ann")).toMatchObject({
    code: "rate_limited",
    retryAfterMs: WAIT_MS,
    limit: "connects",
  });
  const { alarmsSet } = bench;
  const writes = vi.spyOn(bench.storage, "run");
  for (let i = 0; i < 50; i++) expect(await connect("ann")).toMatchObject({ code: "rate_limited" });
  bench.now += WAIT_MS - 1;
  expect(await connect("ann")).toMatchObject({ retryAfterMs: 1 });
  expect(asked).toEqual(["ann"]);
  expect([bench.alarmsSet, writes.mock.calls.length]).toEqual([alarmsSet, 0]);
  await connect("ben");
  expect(writes.mock.calls.length).toBeGreaterThan(0); // whoever is asked for costs rows
  bench.now += 1;
  await connect("ann");
  expect(asked).toEqual(["ann", "ben", "ann"]);
});

test("[LM9] who is refused for another reason is asked for again", async () => {
  const { connect, asked } = channelOf({ code: "token_revoked", message: "revoked" });
  for (let i = 0; i < 3; i++) expect(await connect("ann")).toMatchObject({ code: "token_revoked" });
  expect(asked).toHaveLength(3);
});
