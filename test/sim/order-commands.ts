import type { Crowd } from "./clients.ts";
import type { Command } from "./command.ts";
import type { SimulatedConnection } from "./connection.ts";
import type { World } from "./world.ts";

/** What users and back ends do to sessions and tokens. */
export const ORDERS: readonly Command[] = [
  { weight: 2, run: (_, crowd) => withLive(crowd, (connection) => crowd.operator.endSession(connection)) },
  { weight: 0.6, run: (_, crowd) => withUser(crowd, (user) => crowd.operator.endAll(user)) },
  { weight: 1, run: (_, crowd) => withUser(crowd, (user) => crowd.operator.revoke(user)) },
  { weight: 0.6, run: (_, crowd) => withUser(crowd, (user) => crowd.operator.erase(user)) },
  { weight: 1.5, run: remove },
  { weight: 5, run: renew },
  { weight: 4, run: request },
];

/** Of everybody who is there, so that it always ends something. */
function withUser(crowd: Crowd, act: (user: string) => void): boolean {
  return withLive(crowd, ({ user }) => act(user));
}

function withLive(crowd: Crowd, act: (connection: SimulatedConnection) => void): boolean {
  const connection = crowd.world.random.pick(crowd.live());
  if (connection === undefined) return false;
  act(connection);
  return true;
}

function remove({ random }: World, crowd: Crowd): boolean {
  const user = random.pick(crowd.users);
  const channel = random.pick(crowd.channels);
  if (user === undefined || channel === undefined) return false;
  crowd.operator.removeMember(user, channel);
  return true;
}

/** Mostly with a token of its own user: a new one, or one that it has had for a while. */
function renew({ random }: World, crowd: Crowd): boolean {
  const speaking = crowd.live().filter(({ attempt }) => attempt.transport === "websocket");
  const connection = random.pick(speaking);
  if (connection === undefined) return false;
  const sub = random.chance(0.1) ? (random.pick(crowd.users) ?? "") : connection.user;
  connection.renew(crowd.issuer.anyToken(sub));
  return true;
}

/** Of anybody, there or not. */
function request({ random }: World, crowd: Crowd): boolean {
  const user = random.pick(crowd.users);
  const channel = random.pick(crowd.channels);
  if (user === undefined || channel === undefined) return false;
  if (random.chance(0.75)) crowd.requests.ask(user);
  else crowd.requests.read(user, channel);
  return true;
}
