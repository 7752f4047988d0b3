import type { Crowd } from "./clients.ts";
import type { Command } from "./command.ts";
import type { SimulatedConnection } from "./connection.ts";
import type { Letter } from "./mail.ts";
import type { World } from "./world.ts";

/** Direct messages: sent by users and back ends, with keys and without, acknowledged in frames and over HTTP. */
export const MAIL: readonly Command[] = [
  { weight: 8, run: send },
  { weight: 3, run: sendAgain },
  { weight: 3, run: sendAsBackEnd },
  { weight: 8, run: acknowledge },
  { weight: 2, run: signal },
];

function ownOf(crowd: Crowd, transport?: "websocket"): SimulatedConnection[] {
  return crowd
    .live()
    .filter(
      ({ target, attempt }) =>
        target.kind === "user" && attempt.transport === (transport ?? attempt.transport),
    );
}

function letterOf({ random, now }: World, crowd: Crowd, sender: string): Letter {
  const data = `letter ${random.between(0, 1e12)}`;
  const to = random.pick(crowd.users) ?? "";
  return { sender, to, data, issuedAt: now, ...(random.chance(0.5) && { key: data }) };
}

function send(world: World, crowd: Crowd): boolean {
  const connection = world.random.pick(ownOf(crowd, "websocket"));
  if (connection === undefined) return false;
  const count = world.random.chance(0.15) ? world.random.between(2, 8) : 1;
  for (let i = 0; i < count; i++) {
    connection.send(crowd.mail.post(letterOf(world, crowd, `user:${connection.user}`)));
  }
  return true;
}

/** Under the same key, whatever came of the first try. */
function sendAgain({ random }: World, crowd: Crowd): boolean {
  const connection = random.pick(ownOf(crowd, "websocket"));
  const letter = connection && random.pick(crowd.mail.keyed(`user:${connection.user}`).slice(-5));
  if (letter === undefined || connection === undefined) return false;
  connection.send(letter);
  return true;
}

function sendAsBackEnd(world: World, crowd: Crowd): boolean {
  const again = world.random.chance(0.3)
    ? world.random.pick(crowd.mail.keyed("key:app").slice(-5))
    : undefined;
  const letter = again ?? crowd.mail.post(letterOf(world, crowd, "key:app"));
  crowd.operator.send(letter);
  return true;
}

/** Some of what a connection was told, or all of it. */
function acknowledge({ random }: World, crowd: Crowd): boolean {
  const connection = random.pick(ownOf(crowd).filter(({ inbox }) => inbox.reached > 0));
  if (connection === undefined) return false;
  const { reached } = connection.inbox;
  const seq = random.chance(0.6) ? reached : random.between(1, reached);
  if (connection.attempt.transport === "websocket" && random.chance(0.8)) connection.acknowledge(seq);
  else crowd.operator.acknowledge(connection, seq);
  return true;
}

function signal({ random }: World, crowd: Crowd): boolean {
  const speaking = crowd.live().filter(({ attempt }) => attempt.transport === "websocket");
  const connection = random.pick(speaking);
  if (connection === undefined) return false;
  const frame = { type: "signal", user: random.pick(crowd.users), event: random.pick(["typing", "cursor"]) };
  connection.say(random.chance(0.3) ? [frame, frame, { ...frame, event: "typing" }] : frame);
  return true;
}
