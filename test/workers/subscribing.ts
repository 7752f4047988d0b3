import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { ChannelPort } from "../../src/objects/ports.ts";
import { type HeardFrame, until, type WorkerClient } from "./client.ts";

/** Says one frame and waits for its answer. */
export async function ask(client: WorkerClient, frame: object): Promise<HeardFrame> {
  const ref = Math.random();
  const answer = () => client.frames.find((heard) => heard.ref === ref);
  client.send({ ...frame, ref });
  await until(() => answer() !== undefined);
  return answer() as HeardFrame;
}

export const subscribe = (client: WorkerClient, channel: string, more: object = {}) =>
  ask(client, { type: "subscribe", channel, ...more });

/** Offsets as this client was told them, recovered ones and `skipped` among them. */
export function heardOf(client: WorkerClient, channel: string): number[] {
  return client.frames
    .filter((frame) => frame.channel === channel)
    .flatMap((frame) => {
      if (frame.type === "message") return [frame.offset as number];
      return frame.type === "subscribed"
        ? (frame.messages as { offset: number }[]).map(({ offset }) => offset)
        : [];
    });
}

/** The channel's own object, called in one event of it. */
export function inChannel<T>(channel: string, work: (object: ChannelPort) => Promise<T>): Promise<T> {
  return runInDurableObject(env.CHANNEL.getByName(channel), (instance) =>
    work(instance as unknown as ChannelPort),
  );
}
