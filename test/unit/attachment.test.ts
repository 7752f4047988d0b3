import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import * as z from "zod";
import { settingsOf } from "../../src/config.ts";
import {
  Attachment,
  attachmentText,
  FORM,
  glanceAt,
  readAttachment,
} from "../../src/connections/attachment.ts";
import { Connections } from "../../src/connections/connections.ts";
import type { Socket } from "../../src/objects/ports.ts";
import { NO_CUTS, NO_TALLY } from "../fixtures/direct-outlet.ts";

const settings = settingsOf({ JWT_SECRET: "a-secret-of-thirty-two-characters" });
const stateOf = (more: object = {}) =>
  Attachment.parse({
    session: "s-1_:.@=+~",
    device: { id: "d" },
    claims: { sub: "ann", exp: 1e10, info: { isBehind: true, session: '"', nested: { form: 1 } } },
    connectedAt: 1,
    heardAt: 2,
    ...more,
  });
const behind = { offset: 5, bytes: 1, askedAt: null };

/** Sockets as they come out of sleep; how often each was parsed is how often it was asked for its attachment. */
function wake(texts: string[]) {
  const sent: string[] = [];
  const sockets = texts.map((text, i): Socket & { reads: number; writes: number } => {
    let attachment = text;
    return {
      reads: 0,
      writes: 0,
      get attachment() {
        this.reads++;
        return attachment;
      },
      attach(next) {
        this.writes++;
        attachment = next;
      },
      send: (frame) => void sent.push(`${i}: ${frame}`),
      close: () => undefined,
      pingedAt: () => 99,
    };
  });
  const clock = { now: () => 100 };
  const timers = { after: () => undefined };
  const connections = new Connections(
    { sockets: { open: () => sockets }, clock, timers, tally: NO_TALLY },
    settings,
    NO_CUTS,
  );
  return { connections, sockets, sent };
}

test("[SN14] what this version attached is read as it was written, and a glance sees whose it is", () => {
  for (const more of [{}, { catchUp: behind }, { broadcasts: ["a"], sentSeq: 3 }]) {
    const state = stateOf(more);
    const text = attachmentText(state);
    expect(readAttachment(text)).toEqual(state);
    expect(glanceAt(text)).toEqual({ session: state.session, isBehind: "catchUp" in more });
  }
});

test("[SN14] what another version attached is parsed by the schema, and what is none of ours is refused", () => {
  const other = (text: string) => text.replace(`{"form":${FORM},`, `{"form":${FORM + 1},`);
  expect(glanceAt(other(attachmentText(stateOf())))).toBeUndefined();
  expect(readAttachment(other(attachmentText(stateOf({ catchUp: behind }))))).toEqual(
    stateOf({ catchUp: behind }),
  );
  expect(readAttachment(JSON.stringify({ ...stateOf(), newer: 1 }))).toEqual(stateOf());
  for (const text of [
    "",
    "{",
    "{}",
    '{"form":2,"session":"s"}',
    JSON.stringify({ ...stateOf(), claims: {} }),
  ]) {
    expect(readAttachment(text)).toBeUndefined();
  }
});

test("[SN14] a thousand sockets that wake are told something with no attachment read but for a glance", () => {
  const texts = Array.from({ length: 1000 }, (_, i) => attachmentText(stateOf({ session: `s${i}` })));
  const { connections, sockets, sent } = wake(texts);
  connections.tellAll('{"type":"message"}');
  expect(sent).toHaveLength(1000);
  expect(connections.find("s7")?.session).toBe("s7");
  expect(sockets.reduce((sum, { reads }) => sum + reads, 0)).toBe(1000);
  expect(sockets.reduce((sum, { writes }) => sum + writes, 0)).toBe(0); // as those of another version are, at once
  expect(connections.find("s7")?.user).toBe("ann");
  expect(connections.behindOnWake).toEqual([]);
});

test("[SN14] who was behind is so after sleep, and an unreadable socket is told to come back", () => {
  const old = JSON.stringify(stateOf({ session: "old", catchUp: behind }));
  const ours = attachmentText(stateOf({ session: "ours", catchUp: behind }));
  const { connections, sent } = wake([old, ours, "{}", attachmentText(stateOf())]);
  expect(connections.behindOnWake.map(({ session, state }) => [session, state.catchUp])).toEqual([
    ["old", behind],
    ["ours", behind],
  ]);
  expect(connections.size).toBe(3);
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatch(/^2: .*"code":4000/);
});

test("[SN14] after a sweep a connection is what its socket carries", () => {
  const { connections, sockets } = wake([attachmentText(stateOf({ heardAt: 50 }))]);
  const [connection] = connections.all();
  connection?.acted(60);
  connection?.update({ sentSeq: 9 });
  connections.sweep();
  const before = sockets[0]?.reads ?? 0;
  expect(connection?.state).toMatchObject({ sentSeq: 9, activeAt: 0 });
  expect(connection?.activeAt).toBe(60);
  expect(connection?.heardAt).toBe(99);
  expect(sockets[0]?.reads).toBe(before + 1);
});

test("[SN15] what a connection may do is decided once for its claims, and anew for others", () => {
  const { connections } = wake([attachmentText(stateOf())]);
  const [connection] = connections.all();
  const asked: string[] = [];
  const may = (capability: "members" | "history", isGranted: boolean) =>
    connection?.may(capability, ({ sub }) => {
      asked.push(`${sub} ${capability}`);
      return isGranted;
    });
  expect([may("members", true), may("members", false), may("history", false), may("history", true)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  connection?.update({ activeAt: 5 });
  expect(may("members", false)).toBe(true);
  connection?.update({ claims: { sub: "ann", exp: 2e10 } });
  expect(may("members", false)).toBe(false);
  expect(asked).toEqual(["ann members", "ann history", "ann members"]);
});

test("[SN14] the form grows with every change of the schema", () => {
  const schema = JSON.stringify(z.toJSONSchema(Attachment, { unrepresentable: "any", io: "output" }));
  const digest = createHash("sha256").update(schema).digest("hex").slice(0, 16);
  // Another digest than this? Then add one to FORM, and write the new digest down here.
  expect([FORM, digest]).toEqual([1, "739e52cdb695e71c"]);
});
