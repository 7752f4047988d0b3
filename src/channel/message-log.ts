import type { Clock, LogPage, LogPosition, PublishRequest, Random, Sql } from "../objects/ports.ts";
import type { Message, MessageQuery, Published } from "../protocol/bodies.ts";
import { utf8Length } from "../protocol/utf8.ts";
import { ChannelTable } from "./channel-table.ts";
import { MessageTable, type StoredMessage } from "./message-table.ts";

/** Messages inside a welcome; the rest follows as frames. */
const FIRST_PAGE = 100;
const FIRST_PAGE_BYTES = 65_536;
/** A call between objects carries at most 32 MiB, and a socket should not have to queue more than this. */
const PAGE_CHARACTERS = 1_048_576;

/**
 * The log of one channel: offsets are dense, grow by one, and are given in the transaction that stores the
 * message, so what was answered is what is stored. The top is read from the log itself, one row each time.
 */
export class MessageLog {
  readonly #channel: string;
  readonly #ports: { sql: Sql; clock: Clock; random: Random };
  readonly #table: MessageTable;
  readonly #channelTable: ChannelTable;

  constructor(channel: string, ports: { sql: Sql; clock: Clock; random: Random }) {
    this.#channel = channel;
    this.#ports = ports;
    this.#table = new MessageTable(ports.sql);
    this.#channelTable = new ChannelTable(ports.sql);
  }

  get top(): number {
    return this.#table.top();
  }

  get createdAt(): number | null {
    return this.#channelTable.read()?.createdAt ?? null;
  }

  /** The epoch of a log that exists; null for a channel that nobody has used. */
  get knownEpoch(): string | null {
    return this.#channelTable.read()?.epoch ?? null;
  }

  /** The epoch, given now if the channel is new. Its ids follow from it, so it is as unguessable as a session id. */
  epoch(): string {
    const known = this.knownEpoch;
    if (known !== null) return known;
    const epoch = this.#ports.random.id();
    this.#channelTable.create({ epoch, createdAt: this.#ports.clock.now() });
    return epoch;
  }

  /** Stores one message. Durable before the answer can leave. */
  append(request: PublishRequest): { published: Published; frame: string } {
    return this.#ports.sql.transaction(() => {
      const epoch = this.epoch();
      const offset = this.top + 1;
      const at = this.#ports.clock.now();
      this.#table.append(offset, at, request);
      const frame = this.#frame(epoch, { offset, at, ...request });
      return {
        published: { id: messageId(epoch, offset), channel: this.#channel, epoch, offset, at },
        frame,
      };
    });
  }

  /**
   * Where a session stands that returns from `position`. If everything after it is stored, and nothing of it
   * is older than `reach`, that is what it missed: the first page, and frames for the rest up to the top.
   * Read in the turn in which its socket is attached, so there is no window between history and live.
   */
  standing(position: LogPosition | undefined, reach: number) {
    const epoch = this.epoch();
    const offset = this.top;
    const lost = { epoch, offset, recovered: false, first: [], rest: [] };
    if (position === undefined || position.epoch !== epoch || position.offset > offset) return lost;
    const missed = [...this.#table.read({ after: position.offset, limit: offset, order: "asc" })];
    const oldest = missed[0];
    if (missed.length !== offset - position.offset || (oldest !== undefined && oldest.at < reach))
      return lost;
    const inside = firstPageOf(missed);
    const first = missed
      .slice(0, inside)
      .map((stored) => JSON.parse(this.#message(epoch, stored)) as Message);
    return {
      ...lost,
      recovered: true,
      first,
      rest: missed.slice(inside).map((stored) => this.#frame(epoch, stored)),
    };
  }

  /**
   * One page, which ends early where it would hold more than `PAGE_CHARACTERS` (but never before its first
   * message). A channel that nobody has used has an empty log, and reading it writes nothing.
   */
  page(query: MessageQuery): LogPage {
    const epoch = this.knownEpoch;
    const messages: string[] = [];
    let characters = 0;
    for (const stored of epoch === null ? [] : this.#table.read(query)) {
      const message = this.#message(epoch ?? "", stored);
      characters += message.length;
      if (messages.length > 0 && characters > PAGE_CHARACTERS) break;
      messages.push(message);
    }
    return { epoch, offset: this.top, messagesJson: `[${messages.join(",")}]` };
  }

  #frame(epoch: string, message: StoredMessage): string {
    return `{"type":"message",${this.#message(epoch, message).slice(1)}`;
  }

  /** The JSON text of a message; its data was encoded when it was published, and is never parsed here. */
  #message(epoch: string, { offset, event, dataJson, from, at }: StoredMessage): string {
    const head = JSON.stringify({ id: messageId(epoch, offset), channel: this.#channel, offset, event });
    const tail = JSON.stringify(from === undefined ? { at } : { from, at });
    return `${head.slice(0, -1)},"data":${dataJson},${tail.slice(1)}`;
  }
}

/** How many of these messages fit inside a welcome: 100, or 64 KiB of data, but always the first one. */
function firstPageOf(missed: readonly StoredMessage[]): number {
  let bytes = 0;
  const full = missed.findIndex(({ dataJson }, i) => {
    bytes += utf8Length(dataJson);
    return i >= FIRST_PAGE || (i > 0 && bytes > FIRST_PAGE_BYTES);
  });
  return full === -1 ? missed.length : full;
}

/** Unique over all channels and all time, because the epoch is. */
function messageId(epoch: string, offset: number): string {
  return `${epoch}-${offset}`;
}
