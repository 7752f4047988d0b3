import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { objectsOf } from "../../src/objects/stubs.ts";
import type { Presence } from "../../src/protocol/presence.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { type HeardFrame, KEY, request, until, type WorkerClient } from "./client.ts";

let last = 0;

/** Says it, and waits for the answer. */
export async function ask(client: WorkerClient, frame: object): Promise<HeardFrame> {
  const ref = `ref-${++last}`;
  client.send({ ...frame, ref });
  const answer = () => client.frames.find((heard) => heard.ref === ref);
  await until(() => answer() !== undefined);
  return answer() as HeardFrame;
}

export async function watch(client: WorkerClient, users: string[], more: object = {}): Promise<Presence[]> {
  const answer = await ask(client, { type: "watch", users, ...more });
  if (answer.type !== "ok") throw new Error(JSON.stringify(answer));
  return answer.presence as Presence[];
}

/** The statuses that a client was shown of a user, one after the other. */
export function seen(client: WorkerClient, user: string): string[] {
  return client.ofType("presence").flatMap((frame) => (frame.user === user ? [String(frame.status)] : []));
}

export async function call(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const init = { method, headers: { ...KEY, "Content-Type": "application/json" } };
  const answer = await request(path, body === undefined ? init : { ...init, body: JSON.stringify(body) });
  const text = await answer.text();
  return { httpStatus: answer.status, ...(text === "" ? {} : (JSON.parse(text) as object)) };
}

export const say = (user: string, change: object) => call("PUT", `/v1/users/${user}/presence`, change);

export async function watchedBy(user: string): Promise<string[]> {
  const { watchers } = await objectsOf(env).user(user).watchers({ limit: 1000 });
  return watchers.map((watcher) => watcher.user);
}

export async function watchedOf(user: string): Promise<string[]> {
  return (await objectsOf(env).user(user).watching()).map((watch) => watch.user);
}

/** Rows of a table of a user's object. */
export function rows(user: string, sql: string): Promise<Record<string, SqlStorageValue>[]> {
  return runInDurableObject(env.USER.getByName(user), (_, { storage }) => storage.sql.exec(sql).toArray());
}

/** Longer than the moment for which changes are gathered, and than a grace of these tests. */
export const aWhile = () => new Promise((resolve) => setTimeout(resolve, 600));

type Method = "notice" | "watchedBy" | "unwatchedBy";
type Carried<M extends Method> = (...args: Parameters<UserObject[M]>) => ReturnType<UserObject[M]>;

/** What happens from now on to such calls to this user's object; `carryOut` is what would have. */
export function meddle<M extends Method>(
  name: string,
  method: M,
  how: (carryOut: () => ReturnType<UserObject[M]>, args: Parameters<UserObject[M]>) => unknown,
): void {
  const original = UserObject.prototype[method] as unknown as Carried<M>;
  vi.spyOn(UserObject.prototype, method).mockImplementation(function (
    this: UserObject,
    ...args: Parameters<UserObject[M]>
  ) {
    const callee = String((this as unknown as { ctx: DurableObjectState }).ctx.id.name);
    const carryOut = () => original.apply(this, args);
    return callee === name ? how(carryOut, args) : carryOut();
  } as never);
}

/** The alarm of a user's object, so much later. */
export async function later(name: string, ms: number): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
  await runDurableObjectAlarm(env.USER.getByName(name));
}
