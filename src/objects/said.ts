import type { Exclusion, From } from "../protocol/bodies.ts";

/* What is said in a channel or to a user, as it travels between objects: part of the ports. */

/** Where a client says that it stands in a channel's log. */
export interface LogPosition {
  epoch: string;
  offset: number;
}

/** A message on its way into a channel's log; `dataJson` is JSON text, so that it is encoded once. */
export interface PublishRequest {
  event: string;
  dataJson: string;
  from?: From;
  /** Published once under this key; `principal` is `user:` or `key:` and a name, so that the two never meet. */
  once?: { principal: string; key: string };
  /** Never empty. */
  exclude?: Exclusion;
  ttlSeconds?: number;
  /** How often it went round through webhooks already, where it did. */
  hop?: number;
  /** Whoever says it began too many channels: this one may begin in so many milliseconds, and is spoken to if it exists. */
  newAfterMs?: number;
}

export interface SignalRequest {
  event: string;
  dataJson?: string;
  from?: From;
}

/** One page of a log; `messagesJson` is the JSON text of an array of messages. */
export interface LogPage {
  /** Null for a channel that nobody has used. */
  epoch: string | null;
  offset: number;
  messagesJson: string;
}

/** The user in whose name something is asked of a channel, and as which session; absent where a back end asks. */
export interface Caller extends From {
  /** The token's `iat` in seconds; null where it has none. */
  issuedAt: number | null;
}
