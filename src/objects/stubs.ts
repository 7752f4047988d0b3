import { CostKind } from "../protocol/costs.ts";
import type { DirectoryPort } from "./directory-port.ts";
import type { ChannelPort, ConnectRequest, EventQueue, Objects, UserPort } from "./ports.ts";
import type { RelayPort } from "./relaying.ts";
import { sealedUpgrade } from "./sealed.ts";
import type { WebhookPort } from "./webhook-port.ts";

/** How our objects are named: a user id or a channel name is the name of its object. A new stub per call. */
export function objectsOf(env: Env): Objects {
  return {
    user: (user) => portOf<UserPort>(env.USER.getByName(user)),
    channel: (channel) => portOf<ChannelPort>(env.CHANNEL.getByName(channel)),
    relay: (relay) => portOf<RelayPort>(env.RELAY.getByName(relay)),
    directory: (shard) => portOf<DirectoryPort>(env.DIRECTORY.getByName(shard)),
  };
}

/** The object of one webhook target, by the name that `events/target-name.ts` gives it. */
export function webhookOf(env: Env, name: string): WebhookPort {
  return portOf<WebhookPort>(env.WEBHOOK.getByName(name));
}

/** The queue of events, where one is bound. As text, so that no event is parsed on its way. */
export function eventQueueOf({ EVENT_QUEUE: queue }: Env): EventQueue | undefined {
  if (queue === undefined) return undefined;
  return {
    async sendBatch(texts) {
      await queue.sendBatch(texts.map((body) => ({ body, contentType: "text" })));
    },
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
export function connectTo(keeper: DurableObjectStub, connect: ConnectRequest): Promise<Response> {
  return keeper.fetch(sealedUpgrade(connect));
}

/**
 * The one place where a stub gets its type. A stub is a proxy whose methods are the object's public methods,
 * which implement the port; the platform's own types would turn `unknown` in results into `never`.
 */
function portOf<Port>(stub: DurableObjectStub): Port {
  return stub as unknown as Port;
}
