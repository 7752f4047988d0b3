import { expect, test, vi } from "vitest";
import type { DirectoryPort } from "../../src/objects/directory-port.ts";
import type { AdmitRequest, ChannelPort } from "../../src/objects/ports.ts";
import { User } from "../../src/user/user.ts";
import { ObjectBench, portWith } from "../fixtures/object-bench.ts";

/** A user of whom five sessions may begin at once, and one a second. Time stands until it is moved. */
function userOf(settings: Record<string, string> = { CONNECTS_BURST: "5" }) {
  const directory = () => portWith<DirectoryPort>({});
  const channel = () => portWith<ChannelPort>({});
  const bench = new ObjectBench({ directory, channel }, settings);
  const user = new User(bench.ports, bench.settings, "ann");
  const admit = (session: string, more: Partial<AdmitRequest> = {}) =>
    user.admit({
      session,
      keeper: { kind: "channel", channel: "lobby" },
      device: { type: "web" },
      transport: "websocket",
      connectedAt: bench.now,
      issuedAt: 1,
      ...more,
    });
  return { bench, user, admit };
}

const admitted = { admitted: true };
const refused = { admitted: false, refused: { code: "rate_limited", limit: "connects", retryAfterMs: 1000 } };

test("[LM7] [LM9] sessions above the burst are refused without a row or an alarm, and one a second begins", async () => {
  const { bench, admit } = userOf();
  for (let i = 0; i < 5; i++) expect(await admit(`s${i}`)).toMatchObject(admitted);
  const writes = vi.spyOn(bench.storage, "run");
  const { alarmsSet } = bench;
  for (let i = 5; i < 60; i++) expect(await admit(`s${i}`)).toMatchObject(refused);
  expect([writes.mock.calls.length, bench.alarmsSet]).toEqual([0, alarmsSet]);
  bench.now += 1000;
  expect(await admit("later")).toMatchObject(admitted);
  expect(await admit("too soon")).toMatchObject(refused);
});

test("[LM7] a session that is admitted again counts nothing, nor does one that would be refused anyway", async () => {
  const { admit, user, bench } = userOf();
  expect(await admit("first")).toMatchObject(admitted);
  for (let i = 0; i < 20; i++) expect(await admit("first")).toMatchObject(admitted);
  await user.endAll({ revoke: true });
  for (let i = 0; i < 20; i++)
    expect(await admit(`old${i}`)).toMatchObject({ refused: { code: "token_revoked" } });
  const issuedAt = Math.floor(bench.now / 1000) + 1;
  for (let i = 0; i < 4; i++) expect(await admit(`new${i}`, { issuedAt })).toMatchObject(admitted);
  expect(await admit("above", { issuedAt })).toMatchObject(refused);
});

test("[LM8] by default twenty devices return four times in a row, in the same moment", async () => {
  const { admit } = userOf({});
  for (let i = 0; i < 100; i++) expect(await admit(`s${i}`)).toMatchObject(admitted);
  expect(await admit("above")).toMatchObject(refused);
});
