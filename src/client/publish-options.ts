export interface PublishOptions {
  /** At most 64 characters; `message` unless told otherwise. */
  event?: string;
  /** Needed on a user's own connection. */
  channel?: string;
  /** Idempotency key, 1-64 characters: publishing it again within 24 hours publishes nothing new. Refused as `not_available` for now. */
  key?: string;
  /** After so many seconds the message is no longer worth delivering. Refused as `not_available` for now. */
  ttlSeconds?: number;
  /** Leave out the user's own session or device. Refused as `not_available` for now. */
  exclude?: { session?: string; device?: string };
}
