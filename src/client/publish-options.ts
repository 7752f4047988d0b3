export interface PublishOptions {
  /** At most 64 characters; `message` unless told otherwise. */
  event?: string;
  /** Needed on a user's own connection. */
  channel?: string;
  /** Idempotency key, 1-64 characters: publishing it again within 24 hours publishes nothing new. */
  key?: string;
  /** After so many seconds the message is no longer worth delivering. */
  ttlSeconds?: number;
  /** Leave out the user's own session or device. */
  exclude?: { session?: string; device?: string };
}
