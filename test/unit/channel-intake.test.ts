import { expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import type { DirectoryPort } from "../../src/objects/directory-port.ts";
import { ObjectBench, portWith } from "../fixtures/object-bench.ts";

const SAID = { event: "message", dataJson: "1" };
const ANN = { user: "ann", issuedAt: 1 };

/** A channel that takes twenty messages of back ends at once, and ten a second. */
function channelOf() {
  const directory = () => portWith<DirectoryPort>({});
  const bench = new ObjectBench({ directory }, { CHANNEL_RATE_PER_SECOND: "10", CHANNEL_RATE_BURST: "20" });
  return { bench, channel: new Channel(bench.ports, bench.settings, "lobby") };
}

test("[LM10] [A28] back ends say so much in a channel, and what is refused writes nothing", async () => {
  const { bench, channel } = channelOf();
  for (let i = 1; i <= 20; i++) expect(await channel.publish(SAID)).toMatchObject({ offset: i });
  const writes = vi.spyOn(bench.storage, "run");
  const { alarmsSet } = bench;
  for (let i = 0; i < 100; i++)
    expect(await channel.publish(SAID)).toMatchObject({
      code: "rate_limited",
      limit: "channel",
      retryAfterMs: 100,
    });
  expect(await channel.signal(SAID)).toMatchObject({ limit: "channel" });
  expect([writes.mock.calls.length, bench.alarmsSet]).toEqual([0, alarmsSet]);
  bench.now += 100;
  expect(await channel.publish(SAID)).toMatchObject({ offset: 21 });
  expect(await channel.publish(SAID)).toMatchObject({ code: "rate_limited" });
});

test("[LM10] what users say there is not counted with it", async () => {
  const { channel } = channelOf();
  for (let i = 0; i < 25; i++) await channel.publish(SAID);
  for (let i = 21; i <= 60; i++) expect(await channel.publish(SAID, ANN)).toMatchObject({ offset: i });
  expect(await channel.signal(SAID, ANN)).toBeUndefined();
});

test("[LM11] who began too many channels is heard where there is one, and begins none", async () => {
  const { bench, channel } = channelOf();
  const writes = vi.spyOn(bench.storage, "run");
  const late = { ...SAID, newAfterMs: 700 };
  const refused = { code: "rate_limited", limit: "new_channels", retryAfterMs: 700 };
  expect(await channel.publish(late)).toMatchObject(refused);
  expect(await channel.publish(late, ANN)).toMatchObject(refused);
  expect(writes).not.toHaveBeenCalled();
  expect(await channel.publish(SAID)).toMatchObject({ offset: 1 });
  expect(await channel.publish(late)).toMatchObject({ offset: 2 });
});
