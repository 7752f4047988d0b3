import type { LogPage, PublishRequest, SignalRequest } from "../../objects/ports.ts";
import type { PublishKeys } from "../../objects/publish-keys.ts";
import { signalFrame } from "../../objects/signal-frame.ts";
import type { Said } from "../../objects/subscribing.ts";
import type { From, MessageQuery, Published } from "../../protocol/bodies.ts";
import { isRefusal, type Refusal } from "../../protocol/codes.ts";
import type { MessageLog } from "./message-log.ts";

interface Rooms {
  log: MessageLog;
  keys: PublishKeys;
}

interface MessageRules {
  due(): void;
  /** To be told to everybody who hears it, here and elsewhere. */
  said(said: Said): void;
  /** A message was stored, in this very turn. */
  stored(offset: number): void;
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
    if ("frame" in stored) this.#tell(published, stored.frame, request);
    return published;
  }

  /** Nothing is stored, and it never returns to its sender: the session, or the user where it has none. */
  signal(request: SignalRequest): void {
    const { from } = request;
    const text = signalFrame(request, this.#channel);
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
    this.#rules.stored(stored.published.offset);
    const isLogDue = this.#rooms.log.retention.stored(stored.published.offset);
    if (isLogDue || isKeyDue) this.#rules.due();
    return stored;
  }

  #tell({ offset, at }: Published, frame: string, { event, exclude, ttlSeconds }: PublishRequest): void {
    const expiresAt = ttlSeconds === undefined ? {} : { expiresAt: at + ttlSeconds * 1000 };
    const about = { offset, event, at, ...(exclude && { exclude }), ...expiresAt };
    this.#rules.said({ is: "message", text: frame, ...about });
  }
}
