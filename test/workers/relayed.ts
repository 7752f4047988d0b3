import { env } from "cloudflare:workers";
import { type ConnectOptions, read, until, WorkerClient } from "./client.ts";
import { heardOf } from "./subscribing.ts";

/** The relay of this number, of a channel. */
export function relayStub(channel: string, number: number): DurableObjectStub {
  return env.RELAY.getByName(`${channel}/${number}`);
}

/** So many clients of users `<channel>-0` and on, one after the other: the first three fill the channel itself. */
export async function crowd(
  channel: string,
  count: number,
  options: ConnectOptions = {},
): Promise<WorkerClient[]> {
  const clients: WorkerClient[] = [];
  for (let i = 0; i < count; i++) {
    clients.push(await WorkerClient.connect(`${channel}-${i}`, { ...options, channel }));
  }
  return clients;
}

interface Summary {
  members: number;
  sessions: number;
  relays: number;
}

export async function summaryOf(channel: string): Promise<Summary> {
  return (await read(`/v1/channels/${channel}`)) as unknown as Summary;
}

/** Until the channel says so. */
export async function untilSummary(channel: string, wanted: Partial<Summary>): Promise<void> {
  const fits = async () => {
    const summary = await summaryOf(channel);
    return Object.entries(wanted).every(([name, value]) => summary[name as keyof Summary] === value);
  };
  try {
    await until(fits, 10_000);
  } catch {
    throw new Error(
      `${JSON.stringify(wanted)} was not reached, but ${JSON.stringify(await summaryOf(channel))}`,
    );
  }
}

/** Until each of these has heard all messages up to this offset, once and in order. */
export async function untilHeard(channel: string, clients: WorkerClient[], offset: number): Promise<void> {
  const isThere = (client: WorkerClient) => heardOf(client, channel).at(-1) === offset;
  await until(() => clients.every(isThere), 10_000);
  for (const client of clients) {
    const heard = heardOf(client, channel);
    const from = heard[0] ?? 0;
    const dense = Array.from({ length: offset - from + 1 }, (_, i) => from + i);
    if (heard.join() !== dense.join()) throw new Error(`heard ${heard.join()} instead of ${dense.join()}`);
  }
}

export function leave(clients: WorkerClient[]): void {
  for (const { socket } of clients) socket.close(1000);
}
