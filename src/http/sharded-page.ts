import { problem } from "./problem.ts";

/** One shard's entries after this name, in the order of names. */
interface Range {
  after?: string;
  limit: number;
}

interface Shards<Entry> {
  read(shard: string, range: Range): Promise<Entry[]>;
  nameOf(entry: Entry): string;
}

/**
 * A page over all shards: one after the other, each by name. An entry keeps its place as long as it is listed,
 * so pages show nobody twice and miss nobody who stays. Throws `bad_request` for a cursor that is not ours, or
 * is from before the number of shards changed: it would begin in the middle of another order.
 */
export async function shardedPage<Entry>(
  shards: readonly string[],
  query: { cursor?: string | undefined; limit: number },
  of: Shards<Entry>,
): Promise<{ entries: Entry[]; cursor?: string }> {
  const from = query.cursor === undefined ? { index: 0 } : placeOf(query.cursor, shards.length);
  const found: { index: number; entry: Entry }[] = [];
  for (const [index, shard] of shards.entries()) {
    const wanted = query.limit + 1 - found.length; // one more than the page tells whether another follows
    if (index < from.index || wanted === 0) continue;
    const after = index === from.index && from.after !== undefined ? { after: from.after } : {};
    for (const entry of await of.read(shard, { ...after, limit: wanted })) found.push({ index, entry });
  }
  const page = found.slice(0, query.limit);
  const entries = page.map(({ entry }) => entry);
  const last = page.at(-1);
  if (last === undefined || found.length === page.length) return { entries };
  return { entries, cursor: btoa(`${shards.length} ${last.index} ${of.nameOf(last.entry)}`) };
}

function placeOf(cursor: string, shards: number): { index: number; after?: string } {
  const [, count, index, after] = /^(\d+) (\d+) ([!-~]+)$/.exec(decoded(cursor)) ?? [];
  if (after !== undefined && Number(count) === shards) return { index: Number(index), after };
  const message = "not a cursor of this list, or from before it was split anew: begin again";
  throw problem("bad_request", `cursor: ${message}`, [{ path: "cursor", message }]);
}

function decoded(cursor: string): string {
  try {
    return atob(cursor);
  } catch {
    return "";
  }
}
