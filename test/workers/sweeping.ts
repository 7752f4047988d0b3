import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import {
  addNumbers,
  type Differences,
  noDifferences,
  nothingRemoved,
  type RemovedCounts,
  SWEEP_PARTS,
} from "../../src/objects/auditing.ts";
import { shardNames } from "../../src/objects/shards.ts";
import { objectsOf } from "../../src/objects/stubs.ts";

/** What sweeps of all shards found. */
export interface Swept {
  removed: RemovedCounts;
  differences: Omit<Differences, "entries">;
  presences: number;
  unanswered: number;
}

/** All who are listed are asked, at once. */
export async function sweepAll(): Promise<Swept> {
  const { entries: _, ...differences } = noDifferences();
  const swept = { removed: nothingRemoved(), differences, presences: 0, unanswered: 0 };
  for (const shard of shardNames(4)) {
    const request = { parts: SWEEP_PARTS, turn: 1, limit: 1000, after: "" };
    const {
      removed,
      differences: found,
      presences,
      unanswered,
    } = await objectsOf(env).directory(shard).sweep(request);
    addNumbers(swept.removed, removed);
    addNumbers(swept.differences, found);
    swept.presences += presences;
    swept.unanswered += unanswered;
  }
  return swept;
}

/** No two objects disagree about anything. */
export const AGREED = { sessions: 0, watches: 0, subscriptions: 0 };

/** Changes what an object has stored behind its back; it reads it anew, its sockets stay. */
export async function plant(stub: DurableObjectStub, ...statements: string[]): Promise<void> {
  await runInDurableObject(stub, (_, { storage }) => {
    for (const statement of statements) storage.sql.exec(statement);
  });
  await evictDurableObject(stub, { webSockets: "hibernate" });
}

/** The object's alarm is gone, as after six failures, and so is its memory. */
export async function loseAlarm(stub: DurableObjectStub, webSockets: "hibernate" | "close"): Promise<void> {
  await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
  await evictDurableObject(stub, { webSockets });
}
