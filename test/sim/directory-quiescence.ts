import type { DirectoryPort } from "../../src/objects/directory-port.ts";
import { shardNames } from "../../src/objects/shards.ts";
import type { Crowd } from "./clients.ts";
import { granted } from "./granted.ts";
import { inspect } from "./inspection.ts";
import type { World } from "./world.ts";

/**
 * Once it is quiet, the directory lists exactly who is online and which channels are occupied. Status and
 * sessions are exact where an alarm confirms them: a user on channels alone may have lost a word of those.
 */
export async function checkDirectory(world: World, crowd: Crowd): Promise<void> {
  const { users, channels } = await listed(world);
  const live = crowd.live();
  for (const user of crowd.users) {
    const truth = await inspect(world, world.object("user", user), async (copy) => ({
      ...(await copy.presence({ kind: "back end" })),
      sessions: (await copy.sessions()).length,
    }));
    const isConfirmed = live.some((one) => one.user === user && one.target.kind === "user");
    const { status, sessions } = truth.result;
    const is = status === "offline" ? "nobody" : isConfirmed ? `${status} ${sessions}` : "somebody";
    const found = users.get(user);
    const told =
      found === undefined ? "nobody" : isConfirmed ? `${found.status} ${found.sessions}` : "somebody";
    if (told !== is) world.journal.fail(`directory: ${user} is listed as ${told}, and is ${is}`);
  }
  for (const channel of crowd.channels) {
    const { result } = await inspect(world, world.object("channel", channel), async (copy) =>
      granted(await copy.members({ limit: 1 })),
    );
    if ((channels.get(channel) ?? 0) === result.count) continue;
    world.journal.fail(
      `directory: ${channel} is listed with ${channels.get(channel)} members, and has ${result.count}`,
    );
  }
}

async function listed(world: World) {
  const users = new Map<string, ListedUser>();
  const channels = new Map<string, number>();
  for (const shard of shardNames(world.settings.DIRECTORY_SHARDS)) {
    for (const [user, entry] of await listedIn(world, shard)) users.set(user, entry);
    await inspect(world, world.object("directory", shard), async (copy) => {
      const port = copy as unknown as DirectoryPort;
      for (const { channel, members } of await port.channels({ limit: 1000 })) channels.set(channel, members);
    });
  }
  return { users, channels };
}

type ListedUser = { status: string; sessions: number };

/** The users of one shard. */
export async function listedIn(world: World, shard: string): Promise<Map<string, ListedUser>> {
  const { result } = await inspect(world, world.object("directory", shard), (copy) =>
    (copy as unknown as DirectoryPort).users({ limit: 1000 }),
  );
  return new Map(result.map((entry) => [entry.user, entry]));
}
