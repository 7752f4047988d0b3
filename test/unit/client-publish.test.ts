import { describe, expect, test } from "vitest";
import { clientBench, ownBench } from "../fixtures/client-bench.ts";
import type { FakeSocket } from "../fixtures/fake-socket.ts";
import { settled } from "../fixtures/fake-timers.ts";

const publishes = (socket: FakeSocket) => socket.messages.filter(({ type }) => type === "publish");
const accept = async (socket: FakeSocket, more: object = {}) => {
  const published = { id: "m", channel: "lobby", epoch: "e1", offset: 1, ...more };
  socket.say({ type: "ok", ref: publishes(socket).at(-1)?.ref, ...published });
  await settled();
};

/** In `lobby`, on a connection to it. */
async function bench() {
  const client = clientBench();
  const reconnect = async (socket: FakeSocket) => {
    socket.end(1006);
    await client.timers.pass(250);
    const next = await client.welcome();
    await settled();
    return next;
  };
  return { ...client, reconnect };
}

describe("publishing", () => {
  test("[CL101] each has a key of its own, and is said again under it until the service has it", async () => {
    const { connection, welcome, reconnect, timers } = await bench();
    const early = connection.publish("early", { ttlSeconds: 5 });
    const first = await welcome();
    await settled();
    expect(publishes(first)).toMatchObject([{ channel: "lobby", data: "early", ttlSeconds: 5 }]);
    const second = await reconnect(first); // its answer was lost
    second.say({
      type: "error",
      ref: publishes(second)[0]?.ref,
      code: "rate_limited",
      message: "",
      retryAfterMs: 70,
    });
    await timers.pass(69);
    expect(publishes(second)).toHaveLength(1);
    await timers.pass(1);
    second.say({
      type: "error",
      ref: publishes(second)[1]?.ref,
      code: "unavailable",
      message: "",
      retryAfterMs: 20,
    });
    await timers.pass(20);
    await timers.pass(10_000); // no answer
    const keys = [...publishes(first), ...publishes(second)].map(({ key }) => key);
    expect([new Set(keys).size, keys.length]).toEqual([1, 5]);
    await accept(second, { duplicate: true });
    await expect(early).resolves.toMatchObject({ id: "m", offset: 1, duplicate: true });
    const later = connection.publish("later");
    expect(publishes(second).at(-1)?.key).not.toBe(keys[0]);
    await accept(second);
    await later;
    const named = connection.publish("named", { key: "mine" });
    expect(publishes(second).at(-1)?.key).toBe("mine");
    await accept(second);
    await named;
  });

  test("[CL102] a refusal is final; in one channel each waits for the one before, in another it does not", async () => {
    const { connection, welcome, timers } = ownBench();
    const socket = await welcome();
    const outcomes: unknown[] = [];
    for (const n of [1, 2, 3]) {
      connection.publish(n, { channel: "a" }).then(
        () => outcomes.push(n),
        ({ code }) => outcomes.push(code),
      );
    }
    void connection.publish(4, { channel: "b" });
    expect(publishes(socket)).toMatchObject([{ data: 1 }, { data: 4 }]);
    socket.say({ type: "error", ref: publishes(socket)[0]?.ref, code: "unavailable", message: "" });
    await timers.pass(1000);
    expect(publishes(socket).slice(2)).toMatchObject([{ data: 1 }]);
    socket.say({ type: "error", ref: publishes(socket)[2]?.ref, code: "forbidden", message: "" });
    await settled();
    await accept(socket);
    await accept(socket);
    expect(publishes(socket).slice(3)).toMatchObject([{ data: 2 }, { data: 3 }]);
    expect(outcomes).toEqual(["forbidden", 2, 3]);
  });

  test("[CL102] it is said as it was when it was published", async () => {
    const { connection, welcome } = await bench();
    const cursor = { x: 1 };
    for (const x of [1, 2]) {
      cursor.x = x;
      void connection.publish(cursor);
    }
    cursor.x = 3;
    const socket = await welcome();
    await settled();
    await accept(socket);
    expect(publishes(socket)).toMatchObject([{ data: { x: 1 } }, { data: { x: 2 } }]);
  });

  test("[CL103] 256 may wait, one more is refused at once; closing refuses them all", async () => {
    const { connection, welcome } = await bench();
    const waiting = Array.from({ length: 256 }, (_, n) => connection.publish(n).catch(({ code }) => code));
    await expect(connection.publish("over")).rejects.toMatchObject({ code: "too_many_pending" });
    const socket = await welcome();
    await settled();
    await accept(socket);
    const room = connection
      .channel("lobby")
      .publish("room again")
      .catch(({ code }) => code);
    await settled();
    connection.close();
    const codes = await Promise.all([...waiting, room]);
    expect([codes.length, new Set(codes.slice(1))]).toEqual([257, new Set(["connection_lost"])]);
    await expect(connection.publish("late")).rejects.toMatchObject({ code: "not_connected" });
  });
});
