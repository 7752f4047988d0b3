import type { Exclusion, From, MemberPage } from "../protocol/bodies.ts";
import type { Device } from "../protocol/names.ts";
import type { EndReason, MemberState } from "./ports.ts";
import type { LogPosition } from "./said.ts";

/*
 * What a user's object and a channel's say to each other about a session of a user connection that is
 * subscribed: part of the ports. `order` grows with everything that a user says of one session, so that a call
 * that comes late, or twice, is known as such.
 */

/** A session and where it stands: asked for at the beginning, and again whenever it may have missed something. */
export interface SubscribeRequest {
  user: string;
  session: string;
  order: number;
  /** The order with which this subscription began: one that ended after it does not begin anew. */
  begun: number;
  device: Device;
  info?: Record<string, unknown>;
  member: MemberState;
  /** The token's `iat` in seconds; null where it has none. */
  issuedAt: number | null;
  /** What came after this is wanted. */
  recover?: LogPosition;
  /** So many of the newest messages are wanted where that can't be had; the grant was checked. */
  rewind?: number;
  /** How far recovery reaches back: everything, or what is left to who may not read the history. */
  mayHistory: boolean;
  /** All other messages are skipped. */
  events?: string[];
}

/** Where the session stands: the first page of what it missed, and of who is here. */
export interface Subscribed extends Omit<MemberPage, "sessions"> {
  epoch: string;
  /** The top of the log. */
  offset: number;
  recovered: boolean;
  /** JSON text of an array of messages, and of runs of skipped ones. */
  messagesJson: string;
  /** The last offset that they hold or pass over. */
  reached: number;
  bytes: number;
  /** Nothing comes after it. */
  isLast: boolean;
  /** Which roster was last told, and which delivery would come next. */
  roster: string;
  number: number;
}

/** The session is subscribed no longer. */
export interface UnsubscribeRequest {
  user: string;
  session: string;
  order: number;
  at: number;
  reason: EndReason;
}

/** The client of a subscribed session has another device now. */
export interface SubscriberDevice {
  session: string;
  order: number;
  device: Device;
}

/** The next page of what a subscribed session missed. */
export interface ReadRequest {
  session: string;
  /** As messages exclude it. */
  reader: From;
  after: LogPosition;
  events?: string[];
  maxBytes: number;
}

/** Text frames; `after` is where they end, and `isLast` says that nothing comes after them. */
export interface LogFrames {
  frames: string[];
  after: LogPosition;
  bytes: number;
  isLast: boolean;
}

/** One thing that was said in a channel, as a text frame. Relays keep messages: `at` is when it was stored. */
export type Said =
  | {
      is: "message";
      offset: number;
      event: string;
      text: string;
      at?: number;
      exclude?: Exclusion;
      expiresAt?: number;
    }
  | { is: "roster"; text: string }
  | { is: "signal"; text: string; from?: From };

/** What a channel's object tells the object of a subscribed user, in order. */
export interface Delivery {
  channel: string;
  /** Grows with each delivery of this channel to this user, hardly ahead of the clock: one that is not higher than the last is late. */
  number: number;
  epoch: string;
  /** The offset before the first message; the top where there is none. Who stands before it has missed something. */
  prev: number;
  /** Which roster was told before what this holds, and with it. Who knows another has missed something. */
  rosterBefore: string;
  roster: string;
  said: Said[];
  /** The sessions of this user that are subscribed, as the channel believes, each with its order. */
  sessions: Record<string, number>;
}

/** Sessions that are subscribed no longer, whatever the channel believes. */
export interface DeliveryAnswer {
  gone: string[];
}

/** The channel has ended a subscription. */
export interface Unsubscribed {
  channel: string;
  session: string;
  order: number;
  reason: EndReason;
}
