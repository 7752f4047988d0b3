import { describe, expect, test } from "vitest";
import { renewAfterMs, renewAgainAfterMs } from "../../src/client/renewal-times.ts";
import { type Bench, clientBench, TOKEN, WELCOME } from "../fixtures/client-bench.ts";

/** The welcome's token is good for so long; the bench begins at 1,000,000 ms. */
const LEFT_MS = WELCOME.expiresAt - 1_000_000;
const RENEWED_AT_MS = 0.8 * LEFT_MS;

/** A bench whose token function numbers its tokens and whose pings are answered. */
async function renewable(
  token: () => string | Promise<string> = numbered(),
  before: (bench: Bench) => void = () => undefined,
) {
  const bench = clientBench({ token });
  before(bench);
  const socket = await bench.welcome({ heartbeat: { intervalSeconds: 100_000, timeoutSeconds: 200_000 } });
  const errors: string[] = [];
  bench.connection.on("error", ({ code }) => errors.push(code));
  const refuse = (code: string, more: object = {}) => {
    socket.say({ type: "error", ref: socket.messages.at(-1)?.ref, code, message: "no", ...more });
  };
  const accept = (expiresAt: number) => {
    socket.say({ type: "ok", ref: socket.messages.at(-1)?.ref, expiresAt });
  };
  return { ...bench, socket, errors, refuse, accept };
}

function numbered(): () => string {
  let asked = 0;
  return () => `${TOKEN}${++asked}`;
}

describe("when to renew", () => {
  test("[CL39] a token is renewed at four fifths, 30 s before its end, or at half of it when it is short", () => {
    expect([3600, 150, 100, 60, 20].map((seconds) => renewAfterMs(seconds * 1000) / 1000)).toEqual([
      2880, 120, 70, 30, 10,
    ]);
  });

  test("[CL40] no pause before a renewal is longer than a timer can count", () => {
    expect(renewAfterMs(90 * 86_400_000)).toBe(86_400_000);
  });

  test("[CL41] pauses after failed renewals grow from 1 s to 60 s, and half of each is jitter", () => {
    const bounds = [1, 2, 3, 6, 7, 100].map((failures) => renewAgainAfterMs(failures, 1));
    expect(bounds).toEqual([1000, 2000, 4000, 32_000, 60_000, 60_000]);
    expect(renewAgainAfterMs(3, 0)).toBe(2000);
  });
});

describe("renewal", () => {
  test("[CL42] before the token ends the function is asked for another, and the connection is prolonged", async () => {
    const { timers, connection, socket, accept } = await renewable();
    await timers.pass(RENEWED_AT_MS - 1);
    expect(socket.messages).toEqual([]);
    await timers.pass(1);
    expect(socket.messages).toEqual([{ type: "auth", token: `${TOKEN}2`, ref: expect.any(Number) }]);
    accept(timers.now() + 300_000);
    await timers.pass(239_999);
    expect(socket.messages).toHaveLength(1);
    await timers.pass(1);
    expect(socket.messages).toMatchObject([{}, { type: "auth", token: `${TOKEN}3` }]);
    expect(connection.state.name).toBe("open");
  });

  test("[CL43] a refused token is told, changes nothing, and another is tried until the old one ends", async () => {
    const { timers, connection, socket, errors, refuse } = await renewable();
    await timers.pass(RENEWED_AT_MS);
    const pauses: number[] = [];
    while (timers.now() < WELCOME.expiresAt) {
      const [tried, from] = [socket.messages.length, timers.now()];
      refuse("token_invalid");
      while (socket.messages.length === tried && timers.now() < WELCOME.expiresAt) await timers.pass(250);
      pauses.push(timers.now() - from);
    }
    expect(pauses.slice(0, 7)).toEqual([750, 1500, 3000, 6000, 12_000, 24_000, 45_000]);
    expect(new Set(errors)).toEqual(new Set(["token_invalid"]));
    const tried = socket.messages.length;
    await timers.pass(600_000);
    expect(socket.messages).toHaveLength(tried);
    expect(connection.state.name).toBe("open");
  });

  test("[CL44] the pause that the service asks for comes before the next renewal", async () => {
    const { timers, socket, refuse } = await renewable();
    await timers.pass(RENEWED_AT_MS);
    refuse("rate_limited", { retryAfterMs: 20_000 });
    await timers.pass(19_999);
    expect(socket.messages).toHaveLength(1);
    await timers.pass(1);
    expect(socket.messages).toHaveLength(2);
  });

  test("[CL45] a token function that fails is told as token_unavailable, and asked again", async () => {
    let failing = false;
    const token = () => (failing ? Promise.reject(new Error("down")) : TOKEN);
    const { timers, socket, errors } = await renewable(token);
    failing = true;
    await timers.pass(RENEWED_AT_MS);
    expect(errors).toEqual(["token_unavailable"]);
    expect(socket.messages).toEqual([]);
    failing = false;
    await timers.pass(1000);
    expect(socket.messages).toMatchObject([{ type: "auth", token: TOKEN }]);
  });

  test("[CL46] a token that ends no later than the one before is no reason to hurry", async () => {
    const { timers, socket, accept } = await renewable(() => TOKEN);
    await timers.pass(RENEWED_AT_MS);
    for (const pauseMs of [750, 1500, 3000]) {
      const tried = socket.messages.length;
      accept(WELCOME.expiresAt);
      await timers.pass(pauseMs - 1);
      expect(socket.messages).toHaveLength(tried);
      await timers.pass(1);
      expect(socket.messages).toHaveLength(tried + 1);
    }
  });

  test("[CL47] a fixed token is not renewed, nor is one that is over by this clock", async () => {
    const fixed = clientBench();
    const over = clientBench({ token: numbered() });
    const silent = { heartbeat: { intervalSeconds: 100_000, timeoutSeconds: 200_000 } };
    const sockets = [await fixed.welcome(silent), await over.welcome({ ...silent, expiresAt: 999_000 })];
    for (const { timers } of [fixed, over]) await timers.pass(2 * LEFT_MS);
    expect(sockets.flatMap(({ messages }) => messages)).toEqual([]);
  });

  test("[CL48] a connection that is lost or closed asks for no token any more", async () => {
    let asked = 0;
    const { timers, connection, socket } = await renewable(() => `${TOKEN}${++asked}`);
    connection.close();
    await timers.pass(2 * LEFT_MS);
    expect(asked).toBe(1);
    expect(socket.messages).toEqual([]);
    const hasty = await renewable(
      () => `${TOKEN}${++asked}`,
      ({ connection: own }) => {
        own.on("status", ({ name }) => name === "open" && own.close());
      },
    );
    await hasty.timers.pass(2 * LEFT_MS);
    expect(asked).toBe(2);
  });
});
