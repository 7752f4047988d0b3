import type { Connections } from "../connections/connections.ts";
import type { LogPage, PublishRequest, SignalRequest } from "../objects/ports.ts";
import type { MessageQuery, Published } from "../protocol/bodies.ts";
import type { MessageLog } from "./message-log.ts";

/** What is said in a channel: stored first, then told to everybody here, in one turn. */
export class Messages {
  readonly #channel: string;
  readonly #log: MessageLog;
  readonly #connections: Connections;

  constructor(channel: string, log: MessageLog, connections: Connections) {
    this.#channel = channel;
    this.#log = log;
    this.#connections = connections;
  }

  /** One transaction, one encoding, the same bytes for all. The publisher's own session hears it too. */
  publish(request: PublishRequest): Published {
    const { published, frame } = this.#log.append(request);
    for (const connection of this.#connections.all()) connection.socket.send(frame);
    return published;
  }

  /** Nothing is stored, and it never returns to its sender: the session, or the user where it has none. */
  signal({ event, dataJson, from }: SignalRequest): void {
    const head = JSON.stringify({ type: "signal", event, channel: this.#channel, ...(from && { from }) });
    const text = dataJson === undefined ? head : `${head.slice(0, -1)},"data":${dataJson}}`;
    for (const connection of this.#connections.all()) {
      const isSender =
        from?.session === undefined ? connection.user === from?.user : connection.session === from.session;
      if (!isSender) connection.socket.send(text);
    }
  }

  history(query: MessageQuery): LogPage {
    return this.#log.page(query);
  }
}
