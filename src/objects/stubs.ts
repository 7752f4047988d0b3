import { CostKind } from "../protocol/costs.ts";
import type { DirectoryPort } from "./directory-port.ts";
import type { ChannelPort, ConnectRequest, Objects, UserPort } from "./ports.ts";
import type { RelayPort } from "./relaying.ts";
import { sealedUpgrade } from "./sealed.ts";

/** How our objects are named: a user id or a channel name is the name of its object. A new stub per call. */
export function objectsOf(env: Env): Objects {
  return {
    user: (user) => portOf<UserPort>(env.USER.getByName(user)),
    channel: (channel) => portOf<ChannelPort>(env.CHANNEL.getByName(channel)),
    relay: (relay) => portOf<RelayPort>(env.RELAY.getByName(relay)),
    directory: (shard) => portOf<DirectoryPort>(env.DIRECTORY.getByName(shard)),
  };
}

/** Which kind of object this is: the one whose binding finds it by its name. Undefined where none does. */
export function kindOf(env: Env, id: DurableObjectId): CostKind | undefined {
  const bindings = env as unknown as Partial<Record<string, DurableObjectNamespace>>;
  return CostKind.options.find(
    (kind) => bindings[kind.toUpperCase()]?.idFromName(String(id.name)).equals(id) === true,
  );
}

/** The keeper of a connection, to forward an upgrade to: with what the Worker found out sealed in. */
export function connectTo(
  keeper: DurableObjectStub,
  connect: ConnectRequest,
  inbound: Headers,
): Promise<Response> {
  return keeper.fetch(sealedUpgrade(connect, inbound));
}

/**
 * The one place where a stub gets its type. A stub is a proxy whose methods are the object's public methods,
 * which implement the port; the platform's own types would turn `unknown` in results into `never`.
 */
function portOf<Port>(stub: DurableObjectStub): Port {
  return stub as unknown as Port;
}
