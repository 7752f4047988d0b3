import type { PresenceChange, Visibility } from "../../src/protocol/presence.ts";
import type { Crowd } from "./clients.ts";
import type { Command } from "./command.ts";
import type { World } from "./world.ts";

/** What users say of themselves, and whom they watch. */
export const PRESENCE: readonly Command[] = [
  { weight: 6, run: say },
  { weight: 3, run: put },
  { weight: 2, run: hide },
  { weight: 1, run: changeDevice },
  { weight: 6, run: watch },
  { weight: 2, run: watchOverHttp },
];

function say({ random }: World, crowd: Crowd): boolean {
  const connection = random.pick(crowd.live().filter(({ attempt }) => attempt.transport === "websocket"));
  if (connection === undefined) return false;
  connection.say({ type: "presence", ...changeOf(crowd) });
  return true;
}

function changeDevice({ random }: World, crowd: Crowd): boolean {
  const connection = random.pick(crowd.live().filter(({ attempt }) => attempt.transport === "websocket"));
  if (connection === undefined) return false;
  const { device } = connection.attempt; // on the same one: its inbox goes by the id
  connection.say({ type: "heartbeat", device: { ...device, type: random.pick(["web", "tv"] as const) } });
  return true;
}

function put({ random }: World, crowd: Crowd): boolean {
  crowd.operator.setPresence(random.pick(crowd.users) ?? "", { ...changeOf(crowd), scope: "user" });
  return true;
}

function hide({ random }: World, crowd: Crowd): boolean {
  crowd.operator.setPresence(random.pick(crowd.users) ?? "", { visibility: visibilityOf(crowd) });
  return true;
}

function watch({ random }: World, crowd: Crowd): boolean {
  const own = crowd
    .live()
    .filter(({ attempt, target }) => attempt.transport === "websocket" && target.kind === "user");
  const connection = random.pick(own);
  if (connection === undefined) return false;
  const others = crowd.users.filter((user) => user !== connection.user && random.chance(0.6));
  if (others.length === 0) return false;
  const only = random.chance(0.15) ? { only: ["online", "offline"] } : {};
  connection.watch({ is: random.chance(0.75) ? "watch" : "unwatch", users: others, ...only });
  return true;
}

function watchOverHttp({ random }: World, crowd: Crowd): boolean {
  const user = random.pick(crowd.users) ?? "";
  const target = random.pick(crowd.users.filter((other) => other !== user)) ?? "";
  if (random.chance(0.7)) crowd.operator.watch(user, target);
  else crowd.operator.unwatch(user, target);
  return true;
}

function changeOf({ world: { random } }: Crowd): PresenceChange {
  const change: PresenceChange = {};
  if (random.chance(0.7))
    change.status = random.pick(["online", "away", "busy", "invisible", null] as const) ?? null;
  if (random.chance(0.3)) change.text = random.pick(["lunch", "in a call", null] as const) ?? null;
  if (random.chance(0.3)) change.expiresInSeconds = random.between(1, 600);
  if (random.chance(0.4)) change.scope = "user";
  return change;
}

function visibilityOf({ world: { random }, users }: Crowd): Visibility {
  const some = users.filter(() => random.chance(0.4));
  return (
    random.pick(["everyone", "everyone", "nobody", { except: some }, { only: some }] as const) ?? "everyone"
  );
}
