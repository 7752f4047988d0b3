import type { Settings } from "../config.ts";
import { mapAtMost } from "../objects/at-most.ts";
import type { Log } from "../objects/ports.ts";
import type { DeliveryReport, Gate, ParkedLetter, WebhookPort } from "../objects/webhook-port.ts";
import { QueuedEvent } from "../protocol/events.ts";
import { deliver, type Outcome, type Outside, type Target, targetOf } from "./delivery.ts";
import { GIVE_UP_AFTER_MS, LAST_TRY_AFTER_MS, pauseAfter } from "./schedule.ts";

/** The platform opens six connections for one invocation; one stays free. */
const MOST_DELIVERIES = 5;

/** One message of a queue, as the platform hands it over. */
export interface QueueMessage {
  readonly id: string;
  /** When it was sent to the queue. */
  readonly timestamp: Date;
  readonly body: unknown;
  /** This one included. */
  readonly attempts: number;
  ack(): void;
  retry(options?: { delaySeconds?: number }): void;
}

/** What the consumer takes from the world. */
export interface ConsumerPorts extends Outside {
  log: Log;
  /** Even, from 0 to 1 without 1. */
  chance(): number;
  /** How long this message has been in the queue, in milliseconds. */
  ageMs(message: QueueMessage): number;
  /** As the platform counts a pause of so many milliseconds. */
  delaySeconds(ms: number): number;
  /** The object of the target. */
  webhook(target: Target): Promise<WebhookPort>;
}

/** An event that was read, and its message. */
interface Job {
  message: QueueMessage;
  event: QueuedEvent;
}

/**
 * Takes events from the queue to the webhook. Each message is for itself: what one comes to is no matter of its
 * batch. Nothing is ever dropped: what can't be delivered is tried again, and what is given up is a dead letter.
 */
export class Consumer {
  readonly #settings: Settings;
  readonly #ports: ConsumerPorts;

  constructor(settings: Settings, ports: ConsumerPorts) {
    this.#settings = settings;
    this.#ports = ports;
  }

  /** A batch of the queue of events. */
  async consume(messages: readonly QueueMessage[]): Promise<void> {
    const target = targetOf(this.#settings);
    if (target === undefined) return this.#nowhere(messages);
    const webhook = await this.#ports.webhook(target);
    const { jobs, unreadable } = read(messages);
    const parking = this.#park(webhook, unreadable, "not an event");
    const isOld = ({ message }: Job) => this.#ports.ageMs(message) >= GIVE_UP_AFTER_MS;
    const young = jobs.filter((job) => !isOld(job));
    await Promise.all([
      parking,
      this.#park(webhook, jobs.filter(isOld), "not delivered in time"),
      young.length > 0 && this.#try(webhook, target, young),
    ]);
  }

  /** A batch of what the platform itself has given up. */
  async park(messages: readonly QueueMessage[]): Promise<void> {
    const target = targetOf(this.#settings);
    if (target === undefined) return this.#nowhere(messages);
    const { jobs, unreadable } = read(messages);
    await this.#park(await this.#ports.webhook(target), [...jobs, ...unreadable], "given up by the queue");
  }

  async #try(webhook: WebhookPort, target: Target, jobs: readonly Job[]): Promise<void> {
    const gate = await this.#gateOf(webhook);
    if (gate.is === "gone") return this.#park(webhook, jobs, "the target is gone");
    if (gate.is === "wait") return this.#putOff(jobs, gate.until);
    const report: DeliveryReport = { deliveries: [], isGone: false };
    const [first, ...others] = jobs;
    if (gate.is === "probe" && first !== undefined) {
      const { is } = await this.#one(webhook, target, first, report);
      if (is === "delivered") await this.#each(webhook, target, others, report);
      else this.#putOff(others);
    } else await this.#each(webhook, target, jobs, report);
    await this.#report(webhook, report);
  }

  async #each(
    webhook: WebhookPort,
    target: Target,
    jobs: readonly Job[],
    report: DeliveryReport,
  ): Promise<void> {
    await mapAtMost(MOST_DELIVERIES, jobs, async (job) => {
      if (report.isGone) await this.#park(webhook, [job], "the target is gone");
      else await this.#one(webhook, target, job, report);
    });
  }

  /** Never rejects. */
  async #one(webhook: WebhookPort, target: Target, job: Job, report: DeliveryReport): Promise<Outcome> {
    const { now, log, ageMs } = this.#ports;
    const begun = now();
    const outcome = await deliver(job.event, target, this.#ports);
    report.deliveries.push({ isDelivered: outcome.is === "delivered", ms: Math.max(0, now() - begun) });
    if (outcome.is === "delivered") job.message.ack();
    else if (outcome.is === "gone") {
      report.isGone = true;
      await this.#park(webhook, [job], outcome.error);
    } else {
      const { event, message } = job;
      const about = { letter: event.id, type: event.type, tries: message.attempts };
      log.warn("event not delivered", { ...about, reason: outcome.error });
      if (ageMs(message) >= LAST_TRY_AFTER_MS) await this.#park(webhook, [job], outcome.error);
      else this.#retry(message, outcome.askedMs);
    }
    return outcome;
  }

  /** A dead letter is kept before its message goes; where that fails the queue keeps it. */
  async #park(webhook: WebhookPort, jobs: readonly Job[], lastError: string): Promise<void> {
    if (jobs.length === 0) return;
    try {
      await webhook.park(jobs.map((job) => letterOf(job, lastError)));
      for (const { message } of jobs) message.ack();
    } catch (cause) {
      this.#ports.log.warn("dead letters not kept", { letters: jobs.length }, cause);
      for (const { message } of jobs) this.#retry(message);
    }
  }

  /** What is put off counts as a try with the platform, so it waits no less than after a failure. */
  #putOff(jobs: readonly Job[], until = this.#ports.now()): void {
    for (const { message } of jobs) this.#retry(message, until - this.#ports.now());
  }

  #retry(message: QueueMessage, askedMs = 0): void {
    const { chance, delaySeconds } = this.#ports;
    message.retry({ delaySeconds: delaySeconds(pauseAfter(message.attempts, chance(), askedMs)) });
  }

  /** Without an answer it is tried: the circuit spares the target, it does not keep events from it. */
  async #gateOf(webhook: WebhookPort): Promise<Gate> {
    try {
      return await webhook.begin();
    } catch (cause) {
      this.#ports.log.warn("webhook does not answer", {}, cause);
      return { is: "all" };
    }
  }

  async #report(webhook: WebhookPort, report: DeliveryReport): Promise<void> {
    try {
      await webhook.report(report);
    } catch (cause) {
      this.#ports.log.warn("deliveries not counted", { deliveries: report.deliveries.length }, cause);
    }
  }

  /** The webhook was taken away while events were on their way: should it come back in time, they go there. */
  #nowhere(messages: readonly QueueMessage[]): void {
    this.#ports.log.warn("events without a webhook", { events: messages.length });
    for (const message of messages) this.#retry(message);
  }
}

function read(messages: readonly QueueMessage[]): { jobs: Job[]; unreadable: Job[] } {
  const jobs: Job[] = [];
  const unreadable: Job[] = [];
  for (const message of messages) {
    const event = eventIn(message.body);
    if (event !== undefined) jobs.push({ message, event });
    else unreadable.push({ message, event: oddity(message) });
  }
  return { jobs, unreadable };
}

function eventIn(body: unknown): QueuedEvent | undefined {
  if (typeof body !== "string") return undefined;
  try {
    return QueuedEvent.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined; // it becomes a dead letter, as it is
  }
}

/** Whatever else was put into the queue. */
function oddity({ id, timestamp, body }: QueueMessage): QueuedEvent {
  return { id, type: "unreadable", at: timestamp.getTime(), data: body ?? null };
}

function letterOf({ message, event }: Job, lastError: string): ParkedLetter {
  const { id, type, at, data, hop } = event;
  return {
    ...{ id, type, at, lastError, attempts: message.attempts },
    dataJson: JSON.stringify(data ?? null),
    ...(hop !== undefined && { hop }),
  };
}
