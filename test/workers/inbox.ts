import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { type Answer, type HeardFrame, KEY, request, until, WorkerClient } from "./client.ts";

/** A call as a back end, unless other headers are given. */
export async function call(
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = KEY,
): Promise<Answer> {
  const response = await request(path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : JSON.parse(text) };
}

/** A direct message of a back end. */
export function sendTo(user: string, body: object, headers: Record<string, string> = KEY): Promise<Answer> {
  return call("POST", `/v1/users/${user}/messages`, body, headers);
}

/** An own connection; a device without an id shares the cursor of those. */
export function connectAs(user: string, device?: string, claims: object = {}): Promise<WorkerClient> {
  return WorkerClient.connect(user, { claims, query: device === undefined ? {} : { device_id: device } });
}

export function directs(client: WorkerClient): HeardFrame[] {
  return client.ofType("direct");
}

export const seqs = (client: WorkerClient) => directs(client).map(({ seq }) => seq);
export const dataOf = (client: WorkerClient) => directs(client).map(({ data }) => data);

/** Waits until this client was told so many direct messages, repeats counted. */
export function told(client: WorkerClient, count: number): Promise<void> {
  return until(() => directs(client).length >= count);
}

/** What is stored in the user's object. */
export function rows(user: string, query: string): Promise<Record<string, unknown>[]> {
  return runInDurableObject(env.USER.getByName(user), (_, { storage }) => storage.sql.exec(query).toArray());
}

/** Changes what is stored, behind the object's back: it sleeps and wakes before anything is asked of it. */
export async function stored(user: string, statement: string): Promise<void> {
  await rows(user, statement);
  await evictDurableObject(env.USER.getByName(user), { webSockets: "hibernate" });
}

export const queued = async (user: string) =>
  (await rows(user, "SELECT seq FROM inbox_message ORDER BY seq")).map(({ seq }) => seq);

/** Acknowledges by a frame, and waits until that is carried out. */
export async function ack(client: WorkerClient, seq: number): Promise<void> {
  const ref = `ack ${Math.random()}`;
  client.send([
    { type: "ack", seq },
    { type: "heartbeat", ref },
  ]);
  await until(() => client.ofType("ok").some((ok) => ok.ref === ref));
}

export async function close(...clients: WorkerClient[]): Promise<void> {
  for (const { socket } of clients) socket.close(1000);
  await until(() => clients.every(({ closeCode }) => closeCode !== undefined));
}
