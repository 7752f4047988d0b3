import { describe, expect, test } from "vitest";
import { clientBench } from "../fixtures/client-bench.ts";

describe("requests", () => {
  test("[CL8] a request resolves with the fields of the answer that carries its ref", async () => {
    const { connection, welcome } = clientBench();
    const socket = await welcome();
    const first = connection.publish("one");
    const second = connection.history({ after: 3, limit: 2 });
    const [publish, history] = socket.messages;
    expect(publish).toMatchObject({
      type: "publish",
      channel: "lobby",
      data: "one",
      ref: expect.any(Number),
    });
    expect(history).toMatchObject({ type: "history", channel: "lobby", after: 3, limit: 2 });
    socket.say({ type: "ok", ref: history?.ref, epoch: "e", offset: 4, messages: [] });
    socket.say({ type: "ok", ref: publish?.ref, id: "m", channel: "lobby", epoch: "e", offset: 5 });
    await expect(first).resolves.toEqual({ id: "m", channel: "lobby", epoch: "e", offset: 5 });
    await expect(second).resolves.toEqual({ epoch: "e", offset: 4, messages: [] });
  });

  test("[CL9] an error answer rejects with its code, its pause and the wrong fields", async () => {
    const { connection, welcome } = clientBench();
    const socket = await welcome();
    const history = connection.history();
    const errors = [{ path: "data", message: "too large" }];
    socket.say({
      type: "error",
      ref: socket.messages[0]?.ref,
      code: "rate_limited",
      message: "slow down",
      retryAfterMs: 500,
      errors,
    });
    await expect(history).rejects.toMatchObject({
      name: "RollcallError",
      code: "rate_limited",
      message: "slow down",
      retryAfterMs: 500,
      errors,
    });
  });

  test("[CL10] a request while not open rejects with not_connected and sends nothing", async () => {
    const { connection, socket, welcome } = clientBench();
    await expect(connection.history()).rejects.toMatchObject({ code: "not_connected" });
    expect(connection.signal("typing")).toBe(false);
    const opened = await socket();
    await welcome();
    expect(opened.messages).toEqual([]);
  });

  test("[CL11] requests under way reject with connection_lost when the connection drops", async () => {
    const { connection, welcome } = clientBench();
    const socket = await welcome();
    const history = connection.history();
    socket.end(1006);
    await expect(history).rejects.toMatchObject({ code: "connection_lost" });
  });

  test("[CL12] a request without an answer rejects with timed_out after ten seconds", async () => {
    const { connection, timers, welcome } = clientBench();
    await welcome();
    const outcome = connection.members().catch((error: unknown) => error);
    await timers.pass(10_000);
    await expect(outcome).resolves.toMatchObject({ code: "timed_out" });
  });

  test("[CL13] more than 256 unanswered requests reject with too_many_pending", async () => {
    const { connection, welcome } = clientBench();
    const socket = await welcome();
    const under = Array.from({ length: 256 }, () => connection.history().catch(() => "lost"));
    await expect(connection.history()).rejects.toMatchObject({ code: "too_many_pending" });
    expect(socket.messages).toHaveLength(256);
    connection.close();
    await expect(Promise.all(under)).resolves.toHaveLength(256);
  });

  test("[CL14] an error that answers no request is an error event, and the connection goes on", async () => {
    const { connection, welcome } = clientBench();
    const socket = await welcome();
    const codes: string[] = [];
    connection.on("error", ({ code }) => codes.push(code));
    socket.say({ type: "error", code: "rate_limited", message: "slow down" });
    socket.sayText("not json");
    expect(codes).toEqual(["rate_limited", "bad_frame"]);
    expect(connection.state.name).toBe("open");
  });
});
