import { expect, test } from "vitest";
import { EventStream } from "../../src/http/event-stream.ts";
import { CLOSE, type CloseCode } from "../../src/protocol/close-codes.ts";

/** A stream whose keeper and whose reader are the test. */
function open(heartbeatMs = 60_000) {
  const [near, far] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
  const gone = new AbortController();
  const stream = new EventStream(near, { heartbeatMs, signal: gone.signal });
  const heard: string[] = [];
  const closed = new Promise<number>((resolve) => {
    far.addEventListener("close", ({ code }) => resolve(code));
  });
  far.addEventListener("message", ({ data }) => void heard.push(String(data)));
  far.accept();
  const reader = stream.body.getReader();
  const read = async () => {
    const { value, done } = await reader.read();
    return done ? "the end" : new TextDecoder().decode(value);
  };
  return { stream, far, heard, closed, gone, read };
}

function closing(code: CloseCode): string {
  return JSON.stringify({ type: "closing", code, reason: "x", reconnect: true });
}

const moment = (ms = 100) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test("[ES7] a probe is answered only once a heartbeat was taken", async () => {
  const { far, heard, read } = open();
  far.send('{"type":"probe","n":7}');
  await moment();
  expect(heard).toEqual([]);
  expect(await read()).toBe("event: heartbeat\ndata: {}\n\n");
  await moment();
  expect(heard).toEqual(['{"type":"heartbeat","n":7}']);
});

test("[ES7] the keeper hears of a stream only when something was taken, and one heartbeat waits at most", async () => {
  const { heard, read } = open(200);
  await moment(500); // two heartbeats are due by now, the third at 600
  expect(heard).toEqual([]);
  expect(await read()).toContain("heartbeat");
  expect(await Promise.race([read(), moment(50)])).toBe(undefined);
  expect(heard).toEqual(["ping"]);
});

test("[ES7] an ended stream that nobody reads lets go after ten seconds", async () => {
  const { far, stream } = open();
  const since = Date.now();
  far.send(closing(CLOSE.heartbeatTimeout));
  await stream.ended;
  expect(Date.now() - since).toBeGreaterThan(9000);
  expect(Date.now() - since).toBeLessThan(15_000);
});

test("[ES8] a stream ends after `closing`, also when no close follows", async () => {
  const { far, stream, read } = open();
  far.send(closing(CLOSE.tokenExpired));
  expect(await read()).toMatch(/^event: closing\ndata: /);
  expect(await read()).toBe("the end");
  await stream.ended;
});

test("[ES8] a frame that can't be read ends the stream, because going on would hide a gap", async () => {
  const { closed, far, stream } = open();
  far.send("not json");
  expect(await closed).toBe(CLOSE.tryAgain);
  await stream.ended;
});

test("[F26] a client that is known to be gone ends its session at once", async () => {
  const { gone, closed, stream, heard } = open(20);
  gone.abort();
  expect(await closed).toBe(1000);
  await stream.ended;
  await moment();
  expect(heard).toEqual([]);
});

test("[F28] what waits for a reader is bounded, and beyond it the keeper hears 4005", async () => {
  const { closed, far, stream } = open();
  const frame = JSON.stringify({ type: "signal", event: "x", data: "x".repeat(100_000) });
  for (let i = 0; i < 12; i++) far.send(frame);
  expect(await closed).toBe(CLOSE.slowReader);
  await stream.ended;
});
