import { CallQueue } from "../../connections/call-queue.ts";
import type { Connection } from "../../connections/connection.ts";
import { sendError, sendOk } from "../../connections/incoming.ts";
import type { SubscribeFrame, UnsubscribeFrame } from "../../protocol/client-frames.ts";
import { type Refusal, refusal } from "../../protocol/codes.ts";
import type { Subscribing } from "./subscribing.ts";

/**
 * `subscribe` and `unsubscribe` on a user's own connection: about one channel in the order in which they came.
 * Channels do not wait for one another, or a client with two hundred would come back slowly.
 */
export class SubscribeFrames {
  readonly #subscribing: Subscribing;
  readonly #isLive: (connection: Connection) => boolean;
  /** What is under way; lost with the object, as the calls themselves are. */
  readonly #queues = new WeakMap<Connection, Map<string, CallQueue>>();

  constructor(subscribing: Subscribing, isLive: (connection: Connection) => boolean) {
    this.#subscribing = subscribing;
    this.#isLive = isLive;
  }

  async answer(connection: Connection, frame: SubscribeFrame | UnsubscribeFrame): Promise<void> {
    const queues = this.#queues.get(connection) ?? new Map<string, CallQueue>();
    this.#queues.set(connection, queues);
    const { channel = "" } = frame;
    const queue = queues.get(channel) ?? new CallQueue();
    queues.set(channel, queue);
    const answered = queue.add(connection, () => this.#answer(connection, frame));
    if (answered === undefined) sendError(connection, refusal("unavailable", "too much waits"), frame.ref);
    await answered;
    if (queue.isIdle(connection)) queues.delete(channel);
  }

  /** What a stream asked for in its address. What is refused is told, and the others go on. */
  async begin(connection: Connection, channels: readonly string[]): Promise<void> {
    await Promise.all(
      channels.map(async (channel) => {
        const refused = await this.#subscribing.subscribe(connection, { channel });
        if (refused !== undefined) sendError(connection, refused, undefined, channel);
      }),
    );
  }

  async #answer(connection: Connection, frame: SubscribeFrame | UnsubscribeFrame): Promise<void> {
    if (!this.#isLive(connection)) return; // it ended while this waited
    if (frame.type === "unsubscribe") {
      await this.#subscribing.unsubscribe(connection, frame.channel);
      return sendOk(connection, frame.ref);
    }
    const refused = await this.#subscribe(connection, frame);
    if (refused !== undefined) sendError(connection, refused, frame.ref);
  }

  async #subscribe(
    connection: Connection,
    { channel, epoch, offset, rewind, events, ref }: SubscribeFrame,
  ): Promise<Refusal | undefined> {
    if (channel === undefined) return refusal("invalid_channel", "channel: required on a user connection");
    const recover = epoch === undefined || offset === undefined ? undefined : { epoch, offset };
    return this.#subscribing.subscribe(connection, {
      channel,
      ...(recover && { recover }),
      ...(rewind !== undefined && { rewind }),
      ...(events && { events }),
      ...(ref !== undefined && { ref }),
    });
  }
}
