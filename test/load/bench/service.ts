import { KEY } from "../../fixtures/tokens.ts";
import { now, pause } from "../clients/clock.ts";

/** What our service says of a channel, among more. */
export interface Summary {
  members: number;
  sessions: number;
  relays?: number;
}

/** Reads a route of ours as a back end. Throws what was answered where it is no 200. */
export async function read<T>(port: number, path: string): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: KEY });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** The summary of this channel once it is as it should be, or as it is when time is up. */
export async function summaryOf(
  port: number,
  channel: string,
  isIt: (summary: Summary) => boolean,
  timeoutMs: number,
): Promise<Summary> {
  const deadline = now() + timeoutMs;
  for (;;) {
    const summary = await read<Summary>(port, `/v1/channels/${channel}`);
    if (isIt(summary) || now() > deadline) return summary;
    await pause(250);
  }
}
