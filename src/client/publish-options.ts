export interface PublishOptions<Event extends string = string> {
  /** At most 64 characters; `message` unless told otherwise. */
  event?: Event;
  /** Needed on a user's own connection. */
  channel?: string;
  /** Idempotency key, 1-64 characters. Without one each message gets its own, which retries repeat. */
  key?: string;
  /** After so many seconds the message is no longer worth delivering. */
  ttlSeconds?: number;
  /** Leave out the user's own session or device. */
  exclude?: { session?: string; device?: string };
}
