import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RawStream } from "../fixtures/raw-stream.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const vars = { SESSION_TTL_SECONDS: "8", HEARTBEAT_INTERVAL_SECONDS: "2", OFFLINE_GRACE_SECONDS: "1" };

async function publish({ url }: Service, data: unknown): Promise<void> {
  const answer = await fetch(`${url}/v1/channels/es4/messages`, {
    method: "POST",
    headers: { ...KEY, "Content-Type": "application/json" },
    body: JSON.stringify({ data }),
  });
  if (answer.status !== 201) throw new Error(`${answer.status}`);
}

test("[ES4] after Last-Event-ID come the missed messages, also when the service was killed in between", async () => {
  const persistTo = await mkdtemp(join(tmpdir(), "rollcall-stream-"));
  try {
    const token = await tokenFor("es4");
    const first = await startService({ vars, persistTo });
    let seen: string | undefined;
    try {
      const before = await RawStream.welcomed({ url: first.url, token, channel: "es4" });
      for (const data of [1, 2]) await publish(first, data);
      seen = (await before.next("message", ({ data: { offset } }) => offset === 2)).id;
      before.close();
      for (const data of [3, 4]) await publish(first, data);
      await resumes(first, seen, [3, 4]);
    } finally {
      await first.kill();
    }
    const second = await startService({ vars, persistTo });
    try {
      await resumes(second, seen, [3, 4]);
    } finally {
      await second.stop();
    }
  } finally {
    await rm(persistTo, { recursive: true, force: true });
  }
}, 120_000);

/** Comes back as a browser does, and gets exactly these, each with its id, after the welcome. */
async function resumes({ url }: Service, id: string | undefined, missed: number[]): Promise<void> {
  const token = await tokenFor("es4");
  const options = { url, token, channel: "es4", headers: { "Last-Event-ID": id ?? "" } };
  const stream = await RawStream.welcomed(options);
  expect(stream.welcome).toMatchObject({ recovered: true, messages: [] });
  await stream.next("message", ({ data: { offset } }) => offset === missed.at(-1));
  const messages = stream.events.filter(({ type }) => type === "message");
  const { epoch } = stream.welcome;
  expect(messages.map((event) => [event.id, event.data.data])).toEqual(
    missed.map((data) => [`${epoch}:${data}`, data]),
  );
  stream.close();
}
