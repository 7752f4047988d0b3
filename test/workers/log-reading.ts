import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { ChannelPort, LogPosition } from "../../src/objects/ports.ts";
import { read, WorkerClient } from "./client.ts";

/** The channel as other objects call it. */
export const port = (channel: string) => env.CHANNEL.getByName(channel) as unknown as ChannelPort;
export const alarmOf = (channel: string) =>
  runInDurableObject(env.CHANNEL.getByName(channel), (_, { storage }) => storage.getAlarm());

/** Says the numbers from one to another, in one event. */
export async function fill(channel: string, from: number, to: number, more: object = {}): Promise<void> {
  await runInDurableObject(env.CHANNEL.getByName(channel), async (instance) => {
    const object = instance as unknown as ChannelPort;
    for (let i = from; i <= to; i++) await object.publish({ event: "m", dataJson: String(i), ...more });
  });
}

export const rows = (channel: string) =>
  runInDurableObject(env.CHANNEL.getByName(channel), (_, { storage }) =>
    storage.sql
      .exec<{ n: number; low: number }>("SELECT count(*) AS n, min(offset) AS low FROM message")
      .one(),
  );

/** The offsets of one page. */
export async function page(channel: string, query = "limit=1000"): Promise<number[]> {
  const { messages } = await read(`/v1/channels/${channel}/messages?${query}`);
  return (messages as { offset: number }[]).map(({ offset }) => offset);
}

export function recovering(user: string, channel: string, { epoch, offset }: LogPosition, more: object = {}) {
  return WorkerClient.connect(user, { channel, query: { epoch, offset: String(offset), ...more } });
}

/** Offsets as this client was told them, the welcome's first. */
export function told(client: WorkerClient): number[] {
  const first = (client.frames[0]?.messages ?? []) as { offset: number }[];
  return [...first, ...client.ofType("message")].map(({ offset }) => offset as number);
}

export const run = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
