import type { Configuration } from "./configuration.ts";
import { type Finding, fail, orOk, warn } from "./finding.ts";

/** Standard Webhooks: 24 to 64 bytes in base64 behind `whsec_`. */
const SIGNING_SECRET = /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/;

/** Seconds. A hundred tries have to last until somebody has mended what keeps the consumer from running at all. */
const LEAST_RETRY_DELAY = 600;

/** Whether events would arrive: where, signed with what, through which queue, and what becomes of those that do not. */
export function webhookFindings(
  { vars, queues }: Configuration,
  secrets: Record<string, string> | undefined,
): Finding[] {
  const known: Record<string, unknown> = { ...vars, ...secrets };
  const url = String(known.WEBHOOK_URL ?? "");
  if (url === "") return withoutTarget(known);
  const findings = [
    ...address(url),
    ...signing(String(known.WEBHOOK_SECRET ?? ""), secrets === undefined),
    ...queue(queues),
  ];
  return orOk(findings, "webhook", "target, signature, queue and dead letters are there");
}

function withoutTarget(known: Record<string, unknown>): Finding[] {
  const idle = ["EVENTS", "WEBHOOK_SECRET"].filter((name) => String(known[name] ?? "") !== "");
  return orOk(
    idle.map((name) => warn("webhook", `${name} without WEBHOOK_URL does nothing: no event leaves`)),
    "webhook",
    "none is set: no event leaves, and none is written",
  );
}

function address(url: string): Finding[] {
  const parsed = URL.parse(url);
  if (parsed === null) return [fail("webhook", "WEBHOOK_URL is no address")];
  if (parsed.protocol !== "https:") return [fail("webhook", "WEBHOOK_URL must be https")];
  if (parsed.username !== "" || parsed.password !== "")
    return [fail("webhook", "WEBHOOK_URL holds credentials, which logs would show")];
  return [];
}

function signing(secret: string, isUnknown: boolean): Finding[] {
  if (secret === "")
    return isUnknown
      ? []
      : [fail("webhook", "WEBHOOK_URL without WEBHOOK_SECRET: nobody could tell who sends")];
  const isRight = secret.split(/ +/).every((each) => SIGNING_SECRET.test(each));
  return isRight ? [] : [fail("webhook", "WEBHOOK_SECRET must read whsec_<base64 of 24 to 64 bytes>")];
}

function queue({ producers, consumers }: Configuration["queues"]): Finding[] {
  const producer = producers.find(({ binding }) => binding === "EVENT_QUEUE");
  if (producer === undefined)
    return [fail("webhook", "EVENT_QUEUE is not bound; environments inherit no queues")];
  const consumer = consumers.find((each) => each.queue === producer.queue);
  if (consumer === undefined) return [fail("webhook", `nobody consumes the queue ${producer.queue}`)];
  const dead = consumer.dead_letter_queue;
  if (dead === undefined)
    return [
      fail("webhook", `the queue ${producer.queue} has no dead_letter_queue: what fails would be gone`),
    ];
  const ofDead = consumers.find((each) => each.queue === dead);
  if (ofDead === undefined) return [fail("webhook", `nobody consumes the dead letters in ${dead}`)];
  return [consumer, ofDead].filter(({ retry_delay = 0 }) => retry_delay < LEAST_RETRY_DELAY).map(hasty);
}

function hasty({ queue }: { queue: string }): Finding {
  const least = `retry_delay of at least ${LEAST_RETRY_DELAY}`;
  return fail(
    "webhook",
    `the queue ${queue} has no ${least}: a setting that is bad for minutes would empty it`,
  );
}
