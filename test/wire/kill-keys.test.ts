import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RawClient } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const CHANNEL = "keyed";
const WRITERS = 8;
const LISTENERS = 20;
const ROUNDS = 3;

type Answer = { status: number; offset: number; duplicate?: true };

async function publish({ url }: Service, key: string): Promise<Answer> {
  const answer = await fetch(`${url}/v1/channels/${CHANNEL}/messages`, {
    method: "POST",
    headers: { ...KEY, "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify({ data: key }),
  });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return { status: answer.status, ...((await answer.json()) as Omit<Answer, "status">) };
}

/** Every message of the log, by offset. */
async function logOf({ url }: Service): Promise<Map<number, string>> {
  const log = new Map<number, string>();
  for (let after = 0; ; after = log.size) {
    const answer = await fetch(`${url}/v1/channels/${CHANNEL}/messages?limit=1000&after=${after}`, {
      headers: KEY,
    });
    const { messages } = (await answer.json()) as { messages: { offset: number; data: string }[] };
    for (const { offset, data } of messages) log.set(offset, data);
    if (messages.length < 1000) return log;
  }
}

/** What the writers know: keys answered for with their offset, and keys whose fate is unknown. */
class Books {
  readonly acknowledged = new Map<string, number>();
  readonly unknown = new Set<string>();
  issued = 0;

  async writeUntilKilled(service: Service): Promise<void> {
    for (;;) {
      const key = `k${this.issued++}`;
      this.unknown.add(key);
      try {
        const { offset } = await publish(service, key);
        this.acknowledged.set(key, offset);
        this.unknown.delete(key);
      } catch {
        return;
      }
    }
  }
}

test("[F1] [F2] kill -9 under keyed writers: nothing acknowledged is lost, and after retries every key is there exactly once", async () => {
  const persistTo = await mkdtemp(join(tmpdir(), "rollcall-keys-"));
  const books = new Books();
  const vars = { HISTORY_SIZE: "100000", OFFLINE_GRACE_SECONDS: "0.3" };
  const heard: { offset: number; data: string }[] = [];
  let service = await startService({ persistTo, vars });
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      const listeners = await Promise.all(
        Array.from({ length: LISTENERS }, async (_, i) => {
          const token = await tokenFor(`listener-${i}`);
          return RawClient.welcomed({ url: service.url, token, channel: CHANNEL });
        }),
      );
      const before = books.acknowledged.size;
      const writers = Array.from({ length: WRITERS }, () => books.writeUntilKilled(service));
      await expect
        .poll(() => books.acknowledged.size, { timeout: 30_000 })
        .toBeGreaterThan(before + 40 * round);
      await service.kill();
      await Promise.all([...writers, ...listeners.map(({ closed }) => closed)]);
      for (const { frames } of listeners) {
        const messages = frames.filter(({ type }) => type === "message");
        heard.push(...(messages as unknown as { offset: number; data: string }[]));
      }
      service = await startService({ persistTo, vars });
      const log = await logOf(service);
      expect([...log.keys()]).toEqual(Array.from({ length: log.size }, (_, i) => i + 1));
      expect(heard.filter(({ offset, data }) => log.get(offset) !== data)).toEqual([]); // F2: no phantom
      expect([...books.acknowledged].filter(([key, offset]) => log.get(offset) !== key)).toEqual([]);
      const byKey = new Map([...log].map(([offset, key]) => [key, offset]));
      for (const key of books.unknown) {
        const answer = await publish(service, key);
        const landed = byKey.get(key);
        if (landed === undefined) expect(answer.status).toBe(201);
        else expect(answer).toMatchObject({ status: 200, offset: landed, duplicate: true }); // F3: stored, not answered
        books.acknowledged.set(key, answer.offset);
      }
      books.unknown.clear();
    }
    const keys = [...(await logOf(service)).values()];
    expect(keys.length).toBe(books.issued);
    expect(new Set(keys).size).toBe(books.issued);
    expect(heard.length).toBeGreaterThan(LISTENERS * 40);
  } finally {
    await service.stop();
    await rm(persistTo, { recursive: true, force: true });
  }
}, 240_000);
