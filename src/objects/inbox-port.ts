import type { From } from "../protocol/bodies.ts";
import type { Refusal } from "../protocol/codes.ts";
import type { InboxAck, InboxQuery, Sent } from "../protocol/inbox.ts";
import type { PublishRequest, SignalRequest } from "./said.ts";

/* What is said to a user, as it travels between objects: part of the ports. */

/** A direct message on its way into an inbox. */
export interface DirectRequest extends PublishRequest {
  /** `user:` or `key:` and a name: nobody's messages push those of others out of a full inbox. */
  sender: string;
}

/** What is queued for a user; `messagesJson` is the JSON text of an array of direct messages. */
export interface InboxPage {
  /** Up to where the device has acknowledged. */
  acked: number;
  /** The newest `seq` ever given, 0 for none. */
  latest: number;
  messagesJson: string;
}

/** What others may ask of a user's inbox. */
export interface InboxPort {
  /** Stores a direct message, then sends it to the user's own connections. Once under its key. */
  send(request: DirectRequest): Promise<Sent | Refusal>;
  /** What is queued, as this reader may see it; a back end sees all. */
  inbox(query: InboxQuery, reader?: From): Promise<InboxPage>;
  ackInbox(ack: InboxAck): Promise<void>;
  /** Sends something ephemeral to the user's own connections, never back to the session that said it. */
  signal(request: SignalRequest): Promise<void>;
  /** Several, in their order. */
  signalTogether(requests: SignalRequest[]): Promise<void>;
}
