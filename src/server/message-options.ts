import type { Exclusion } from "../protocol/bodies.ts";

/** Names of the events of an application, as its map of them says. */
export type EventName<Events> = keyof Events & string;

/** What a message without `event` is: who has no such event has to name one. */
export type DefaultEvent<Events> = Extract<"message", EventName<Events>>;

/** What a message says of itself besides its data. */
export interface SendOptions<Event extends string = string> {
  /** At most 64 characters; `message` unless told otherwise. */
  event?: Event | undefined;
  /**
   * Idempotency key, 1-64 characters: under it the same is published or sent once within 24 hours, whatever repeats
   * it. Without one each call gets its own, which its retries repeat; name it where the caller itself may be repeated.
   */
  key?: string | undefined;
  /** After so many seconds the message is no longer worth delivering. */
  ttlSeconds?: number | undefined;
}

export interface PublishOptions<Event extends string = string> extends SendOptions<Event> {
  /** Leaves out the sessions that match all that is named; a `device` needs its `user`. */
  exclude?: { [Part in keyof Exclusion]: Exclusion[Part] | undefined } | undefined;
}

/** The body of a message: with a key, always. */
export function messageBody(data: unknown, options: PublishOptions): object {
  if (data === undefined) throw new TypeError("data must be JSON, and undefined is not: say null");
  return { ...options, data, key: options.key ?? newKey() };
}

/** 128 random bits. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
