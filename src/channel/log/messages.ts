import { type Connection, fromConnection } from "../../connections/connection.ts";
import type { Connections } from "../../connections/connections.ts";
import { isLeftOut, isSender } from "../../objects/left-out.ts";
import type { LogPage, PublishRequest, SignalRequest } from "../../objects/ports.ts";
import type { PublishKeys } from "../../objects/publish-keys.ts";
import { signalFrame } from "../../objects/signal-frame.ts";
import type { Said } from "../../objects/subscribing.ts";
import type { Exclusion, From, MessageQuery, Published } from "../../protocol/bodies.ts";
import { isRefusal, type Refusal } from "../../protocol/codes.ts";
import type { CatchUp } from "./catch-up.ts";
import type { MessageLog } from "./message-log.ts";

interface Rooms {
  log: MessageLog;
  keys: PublishKeys;
  connections: Connections;
  catchUp: CatchUp;
}

interface MessageRules {
  due(): void;
  /** For those who hear it elsewhere. */
  said(said: Said): void;
}

/** What came of a publish: a message to be told of, or the result of an earlier one. */
type Stored = { published: Published; frame: string } | { published: Published };

/**
 * What is said in a channel: stored first, then told to everybody here, in one turn. All sockets of a channel
 * end in this object: a crash between the two takes them too, and who comes back recovers from its offset. So
 * no message that was accepted can pass a connection by that lives on. Subscribed users are told besides.
 */
export class Messages {
  readonly #channel: string;
  readonly #rooms: Rooms;
  readonly #rules: MessageRules;

  constructor(channel: string, rooms: Rooms, rules: MessageRules) {
    this.#channel = channel;
    this.#rooms = rooms;
    this.#rules = rules;
  }

  /** One transaction, one encoding, the same bytes for all. The publisher's own session hears it too. */
  publish(request: PublishRequest): Published | Refusal {
    const stored = this.#store(request);
    if (isRefusal(stored)) return stored;
    const { published } = stored;
    if ("frame" in stored) this.#tell(published.offset, stored.frame, request);
    return published;
  }

  /** Nothing is stored, and it never returns to its sender: the session, or the user where it has none. */
  signal(request: SignalRequest): void {
    const { from } = request;
    const text = signalFrame(request, this.#channel);
    this.#rooms.connections.tellAll(text, { but: this.#sendersOf(from) });
    this.#rules.said({ is: "signal", text, ...(from && { from }) });
  }

  /** As this reader may see it; a back end sees all. */
  history(query: MessageQuery, reader: From | undefined): LogPage {
    return this.#rooms.log.page(query, reader);
  }

  #store(request: PublishRequest): Stored | Refusal {
    const { log, keys } = this.#rooms;
    const { once } = request;
    if (once === undefined) return this.#kept(log.append(request));
    const keyed = { ...request, once };
    const stored = log.transaction(() => {
      const first = keys.find(keyed);
      if (isRefusal(first)) return first;
      if (first !== undefined)
        return { published: { ...log.published(first.offset, first.at), duplicate: true as const } };
      const appended = log.append(keyed);
      keys.remember(keyed, appended.published);
      return appended;
    });
    return "frame" in stored ? this.#kept(stored, keys.stored()) : stored;
  }

  /** Retention and the end of keys have their own times; what is over size goes now, a tenth at once. */
  #kept(stored: { published: Published; frame: string }, isKeyDue = false): Stored {
    const isLogDue = this.#rooms.log.retention.stored(stored.published.offset);
    if (isLogDue || isKeyDue) this.#rules.due();
    return stored;
  }

  #tell(offset: number, frame: string, { event, exclude }: PublishRequest): void {
    const { connections, catchUp } = this.#rooms;
    const failed = (connection: Connection) => catchUp.fallBehind(connection, offset - 1);
    const leftOut = exclude === undefined ? [] : this.#leftOut(exclude);
    connections.tellAll(frame, {
      but: leftOut.length === 0 ? catchUp.behind : new Set([...catchUp.behind, ...leftOut]),
      failed,
    });
    for (const connection of leftOut) this.#skip(connection, offset);
    this.#rules.said({ is: "message", offset, event, text: frame, ...(exclude && { exclude }) });
  }

  /** Whom a message is not for, of those who hear what is new. */
  #leftOut(exclude: Exclusion): Connection[] {
    const { connections, catchUp } = this.#rooms;
    return [...connections.all()].filter(
      (connection) => !catchUp.behind.has(connection) && isLeftOut(exclude, fromConnection(connection)),
    );
  }

  #skip(connection: Connection, offset: number): void {
    try {
      connection.tell(this.#rooms.log.skippedFrame(offset));
    } catch {
      this.#rooms.catchUp.fallBehind(connection, offset - 1); // as all whose socket fails
    }
  }

  /** The session that said it; or the user's, where it was said by none of them. */
  #sendersOf(from: From | undefined): ReadonlySet<Connection> {
    const { connections } = this.#rooms;
    if (from?.session === undefined) {
      return new Set(from === undefined ? [] : [...connections.all()].filter((one) => isSender(from, one)));
    }
    const sender = connections.find(from.session);
    return new Set(sender === undefined ? [] : [sender]);
  }
}
