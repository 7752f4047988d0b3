import { describe, expect, test } from "vitest";
import { Pending } from "../../src/channel/subscribers/pending.ts";
import { settingsOf } from "../../src/config.ts";
import { Attachment, readAttachment } from "../../src/connections/attachment.ts";
import { REMEMBERED } from "../../src/connections/broadcasts.ts";
import { Connection } from "../../src/connections/connection.ts";
import type { Socket } from "../../src/objects/ports.ts";
import type { Delivery, Said } from "../../src/objects/subscribing.ts";
import { MAX_CLAIMS_BYTES } from "../../src/protocol/limits.ts";
import { framesFor, topOf } from "../../src/user/subscriptions/batch.ts";
import { isIn, Positions } from "../../src/user/subscriptions/positions.ts";
import { DIRECT } from "../fixtures/direct-outlet.ts";

/** The platform's limit is 16,384 bytes of structured clone; a byte array takes about twenty of them for itself. */
const MAX_ATTACHMENT_BYTES = 16_384 - 32;
const EPOCH = "abcdefghijklmnopqrstuv";

const stand = { channel: "c", number: 1, epoch: EPOCH, roster: "b", sessions: { s: 1 }, top: 9 };
const message = (offset: number, more: Partial<Said & { is: "message" }> = {}): Said => ({
  is: "message",
  offset,
  event: "m",
  text: `message ${offset}`,
  ...more,
});
const delivery = (said: Said[], more: Partial<Delivery> = {}): Delivery => ({
  ...{ channel: "c", number: 1, epoch: EPOCH, prev: 0, rosterBefore: "a", roster: "b", said, sessions: {} },
  ...more,
});
const hearing = { who: { user: "ann", session: "s", device: "d" }, offset: 0, mayHearRoster: true };

function connectionWith(claims: object, device: object): { connection: Connection; attached: () => string } {
  let attachment = "";
  const socket: Socket = {
    get attachment() {
      return attachment;
    },
    attach: (text) => {
      attachment = text;
    },
    send: () => undefined,
    close: () => undefined,
    pingedAt: () => null,
  };
  const state = Attachment.parse({
    session: "s".repeat(22),
    device,
    claims,
    connectedAt: Date.now(),
    heardAt: Date.now(),
  });
  return { connection: new Connection(socket, state, DIRECT), attached: () => attachment };
}

describe("what one session hears of a delivery", () => {
  test("[SU6] what its filter leaves out is skipped, a run of it once", () => {
    const said = [message(1), message(2), message(3, { event: "a" }), message(4)];
    expect(framesFor(delivery(said), { ...hearing, events: ["a"] })).toEqual([
      JSON.stringify({ type: "message", channel: "c", offset: 2, skipped: true }),
      "message 3",
      JSON.stringify({ type: "message", channel: "c", offset: 4, skipped: true }),
    ]);
  });

  test("[SU7] it hears nothing that excludes it, no signal of its own, and nothing twice", () => {
    const said: Said[] = [
      message(1),
      message(2, { exclude: { user: "ann", device: "d" } }),
      { is: "signal", text: "own", from: { user: "ann", session: "s" } },
      { is: "signal", text: "sent over HTTP", from: { user: "ann" } },
      { is: "signal", text: "other tab", from: { user: "ann", session: "t" } },
      { is: "roster", text: "roster" },
    ];
    expect(framesFor(delivery(said), { ...hearing, offset: 1 })).toEqual([
      "other tab",
      "roster",
      JSON.stringify({ type: "message", channel: "c", offset: 2, skipped: true }),
    ]);
    expect(framesFor(delivery(said), { ...hearing, offset: null, mayHearRoster: false })).toEqual([
      "other tab",
    ]);
  });
});

describe("what waits for one subscribed user", () => {
  test("[SU12] it leaves in order, and says what comes before it", () => {
    const pending = new Pending();
    pending.add({ is: "roster", text: "r1" }, "x");
    pending.add(message(8));
    pending.add({ is: "roster", text: "r2" }, "y");
    pending.add(message(9));
    const sent = pending.told(stand);
    expect(sent).toMatchObject({ prev: 7, rosterBefore: "x", roster: "b" });
    expect(sent.said.map(({ text }) => text)).toEqual(["r1", "message 8", "r2", "message 9"]);
    expect(topOf(sent)).toBe(9);
  });

  test("[SU12] what is too much is given up, and the top alone is told", () => {
    for (const [count, text] of [
      [501, "short"],
      [33, "x".repeat(32_768)],
    ] as const) {
      const pending = new Pending();
      for (let i = 1; i <= count; i++) pending.add(message(i, { text }));
      expect(pending.told({ ...stand, top: count })).toMatchObject({ said: [], prev: count });
    }
  });
});

describe("where a session stands", () => {
  test("[N19] two hundred positions fit the attachment beside the largest claims, and come back from it", () => {
    const { MAX_SUBSCRIPTIONS } = settingsOf({ JWT_SECRET: "a-secret-of-thirty-two-characters" });
    const claims = { sub: "u".repeat(128), exp: 1e10, iat: 1e10, channels: {} as Record<string, string[]> };
    for (let i = 0; JSON.stringify(claims).length < MAX_CLAIMS_BYTES - 160; i++) {
      claims.channels[`${"c".repeat(100)}${i}*`] = ["subscribe", "publish"];
    }
    const text = "é".repeat(64);
    const { connection, attached } = connectionWith(claims, { id: text, type: "desktop", name: text });
    const positions = new Positions(connection);
    for (let slot = 0; slot < MAX_SUBSCRIPTIONS; slot++) {
      positions.set(slot, { epoch: EPOCH, offset: 1e10 + slot, roster: "zzzzzz", number: Date.now() });
    }
    connection.update({
      probedAt: Date.now(),
      activeAt: Date.now(),
      broadcasts: Array.from({ length: REMEMBERED }, (_, i) => `${i}`.padStart(22, "b")),
      resume: { tries: 12, dueAt: Date.now() },
      catchUp: { offset: 1e10, bytes: 1e6, askedAt: Date.now() },
    });
    expect(new TextEncoder().encode(attached()).length).toBeLessThan(MAX_ATTACHMENT_BYTES);
    const state = readAttachment(attached());
    expect(state).toBeDefined();
    const again = new Positions(connection);
    for (const slot of [0, MAX_SUBSCRIPTIONS - 1]) {
      const position = again.of(slot);
      expect(position).toMatchObject({ offset: 1e10 + slot, roster: "zzzzzz" });
      expect(position !== undefined && isIn(EPOCH, position)).toBe(true);
      expect(position !== undefined && isIn("another epoch", position)).toBe(false);
    }
    expect(() =>
      settingsOf({ JWT_SECRET: "a-secret-of-thirty-two-characters", MAX_SUBSCRIPTIONS: "201" }),
    ).toThrow("MAX_SUBSCRIPTIONS");
  });
});
