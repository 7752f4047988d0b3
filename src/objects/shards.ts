/*
 * The directory is split by name. A shard's own name says how many there are, so another `DIRECTORY_SHARDS`
 * starts with fresh ones, which fill like shards that were lost.
 */

/** FNV-1a, 32 bits: stable for ever, and even over names that differ in their last letters only. */
const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/** The shard that lists this user. */
export function userShard(user: string, shards: number): string {
  return objectShard("user", user, shards);
}

/** The shard that lists this channel. */
export function channelShard(channel: string, shards: number): string {
  return objectShard("channel", channel, shards);
}

/** The shard that an object of any kind tells what it costs: the one that lists it, where one does. */
export function objectShard(kind: string, name: string, shards: number): string {
  return shardName(hashOf(`${kind} ${name}`) % shards, shards);
}

/** Every shard, in the order in which pages go through them. */
export function shardNames(shards: number): string[] {
  return Array.from({ length: shards }, (_, index) => shardName(index, shards));
}

/** Whether this is a shard of another number of shards. */
export function isOutdated(shard: string, shards: number): boolean {
  const count = /^\d+-of-(\d+)$/.exec(shard)?.[1];
  return count !== undefined && Number(count) !== shards;
}

function shardName(index: number, shards: number): string {
  return `${index}-of-${shards}`;
}

function hashOf(name: string): number {
  let hash = OFFSET_BASIS;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), PRIME);
  return (hash ^ (hash >>> 16)) >>> 0; // its low bits alone are less even than all of them folded
}
