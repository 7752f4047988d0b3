import { settingsOf } from "../config.ts";
import { log, logBy } from "../objects/log.ts";
import { webhookOf } from "../objects/stubs.ts";
import { Consumer, type ConsumerPorts } from "./consumer.ts";
import { targetName } from "./target-name.ts";

/** How the queue of dead letters is called, whatever stands before it: `wrangler.toml`. */
const DEAD_LETTERS = "dead-letters";
/** Of the platform: twelve hours. */
const LONGEST_DELAY_SECONDS = 43_200;

/** What a batch of one of our queues comes to. Never rejects but where the settings are bad. */
export async function consume(
  batch: MessageBatch,
  env: Env,
  instead: Partial<ConsumerPorts> = {},
): Promise<void> {
  const settings = settingsOf(env);
  logBy(settings);
  const consumer = new Consumer(settings, { ...portsOf(env), ...instead });
  if (batch.queue.endsWith(DEAD_LETTERS)) await consumer.park(batch.messages);
  else await consumer.consume(batch.messages);
}

function portsOf(env: Env): ConsumerPorts {
  return {
    log,
    now: () => Date.now(),
    chance: () => Math.random(),
    fetch: (url, init) => fetch(url, init),
    ageMs: ({ timestamp }) => Date.now() - timestamp.getTime(),
    delaySeconds: (ms) => Math.min(LONGEST_DELAY_SECONDS, Math.ceil(ms / 1000)),
    webhook: async ({ url }) => webhookOf(env, await targetName(url)),
  };
}
