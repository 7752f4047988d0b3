import type { Settings } from "../../config.ts";
import { isTold } from "../../connections/kept/audience.ts";
import type { Clock, LogPage, LogPosition, PublishRequest, Random, Sql } from "../../objects/ports.ts";
import type { SaidMessage } from "../../objects/relaying.ts";
import type { From, MessageQuery, Published } from "../../protocol/bodies.ts";
import { utf8Length } from "../../protocol/utf8.ts";
import { ChannelTable } from "./channel-table.ts";
import { MessageTable } from "./message-table.ts";
import { frameOf, MessageText, messageId } from "./message-text.ts";
import { Retention } from "./retention.ts";

/** A call between objects carries at most 32 MiB, and a socket should not have to queue more than this. */
const PAGE_CHARACTERS = 1_048_576;

/** Where a session begins to read: after `from`, which is the top where there is nothing to be told. */
export interface Place {
  epoch: string;
  offset: number;
  recovered: boolean;
  from: number;
}

/** A message as back ends are told of it. */
export interface WholeMessage {
  offset: number;
  at: number;
  hop?: number;
  /** JSON text. */
  text: string;
}

/** A piece of the log as one session may read it: JSON texts of messages, and of runs of skipped ones. */
export interface Piece {
  texts: string[];
  /** The last offset that it holds or passes over. */
  offset: number;
  bytes: number;
  /** Nothing comes after it. */
  isLast: boolean;
}

/**
 * The log of one channel: offsets are dense, grow by one, and are given in the transaction that stores the
 * message, so what was answered is what is stored. The top is read from the log itself, and known from then on: until
 * a transaction fails, because what it gave is given again.
 */
export class MessageLog {
  readonly retention: Retention;
  readonly #channel: string;
  readonly #ports: { sql: Sql; clock: Clock; random: Random };
  readonly #table: MessageTable;
  readonly #channelTable: ChannelTable;
  readonly #text: MessageText;
  #top: number | undefined;

  constructor(channel: string, ports: { sql: Sql; clock: Clock; random: Random }, settings: Settings) {
    this.#channel = channel;
    this.#ports = ports;
    this.#table = new MessageTable(ports.sql);
    this.#channelTable = new ChannelTable(ports.sql);
    this.#text = new MessageText(channel);
    this.retention = new Retention(this.#table, ports.clock, settings);
  }

  get top(): number {
    this.#top ??= this.#table.top();
    return this.#top;
  }

  /** When the last message was stored. */
  get newestAt(): number | null {
    return this.#table.newestAt();
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

  /**
   * Stores one message, by one statement. Durable before the answer can leave. In a transaction of the caller where
   * there is one.
   */
  append(request: PublishRequest): { published: Published; frame: string } {
    const epoch = this.epoch();
    const offset = this.top + 1;
    const at = this.#ports.clock.now();
    const frame = frameOf(this.#text.message(epoch, { offset, at, ...request }));
    this.#table.append(offset, at, request);
    this.#top = offset;
    return { published: this.published(offset, at), frame };
  }

  /** All or nothing: also of what is known of the top. */
  transaction<T>(work: () => T): T {
    try {
      return this.#ports.sql.transaction(work);
    } catch (cause) {
      this.#top = undefined;
      throw cause;
    }
  }

  /** What a publish is answered with. */
  published(offset: number, at: number): Published {
    const epoch = this.epoch();
    return { id: messageId(epoch, offset), channel: this.#channel, epoch, offset, at };
  }

  /**
   * Where a session begins that returns from `position`: there, if everything after it is kept and nothing of
   * it is older than `reach`; else before the newest `rewind` messages.
   */
  place(position: LogPosition | undefined, reach: number, rewind: number): Place {
    const epoch = this.epoch();
    const offset = this.top;
    const floor = this.retention.floor(offset);
    if (position?.epoch === epoch && position.offset <= offset && position.offset + 1 >= floor) {
      const missed = position.offset + 1;
      const isInReach = missed > offset || this.#table.firstSince(missed, reach - 1)?.offset === missed;
      if (isInReach) return { epoch, offset, recovered: true, from: position.offset };
    }
    return { epoch, offset, recovered: false, from: Math.max(floor, offset - rewind + 1) - 1 };
  }

  /**
   * What comes after `from`, by at most so many rows and bytes (but always one message); undefined where the
   * log does not hold all of it any more. Read in the turn in which it is sent, so that no message can come
   * between it and what is live.
   */
  after(
    from: number,
    most: { rows: number; bytes: number },
    reader: From,
    events?: readonly string[],
  ): Piece | undefined {
    const { top } = this;
    if (from + 1 < this.retention.floor(top)) return undefined;
    const epoch = this.epoch();
    const now = this.#ports.clock.now();
    const piece: Piece = { texts: [], offset: from, bytes: 0, isLast: false };
    const add = (text: string) => {
      piece.texts.push(text);
      piece.bytes += utf8Length(text);
    };
    let isInRun = false;
    for (const stored of this.#table.read({ after: from, limit: most.rows, order: "asc" })) {
      if (isTold(stored, now, reader, events)) {
        const text = this.#text.message(epoch, stored);
        if (piece.bytes > 0 && piece.bytes + utf8Length(text) > most.bytes) break;
        if (isInRun) add(this.#text.skipped(piece.offset));
        add(text);
        isInRun = false;
      } else isInRun = true;
      piece.offset = stored.offset;
    }
    if (isInRun) add(this.#text.skipped(piece.offset));
    return { ...piece, isLast: piece.offset >= top };
  }

  /** The messages after `from`, at most so many, whoever is left out of them and whether they are over or not. */
  whole(from: number, limit: number): WholeMessage[] {
    const epoch = this.epoch();
    const messages: WholeMessage[] = [];
    for (const stored of this.#table.read({ after: from, limit, order: "asc" })) {
      const { offset, at, hop } = stored;
      messages.push({
        offset,
        at,
        text: this.#text.message(epoch, stored),
        ...(hop !== undefined && { hop }),
      });
    }
    return messages;
  }

  /** What comes after `from` as it was told, whole, with what its readers are told by; undefined where `after` is. */
  said(
    from: number,
    most: { rows: number; bytes: number },
  ): { said: SaidMessage[]; isLast: boolean } | undefined {
    const { top } = this;
    if (from + 1 < this.retention.floor(top)) return undefined;
    const epoch = this.epoch();
    const said: SaidMessage[] = [];
    let bytes = 0;
    for (const stored of this.#table.read({ after: from, limit: most.rows, order: "asc" })) {
      const { offset, event, at, exclude, expiresAt } = stored;
      const text = frameOf(this.#text.message(epoch, stored));
      bytes += utf8Length(text);
      if (said.length > 0 && bytes > most.bytes) break;
      const audience = { ...(exclude && { exclude }), ...(expiresAt !== undefined && { expiresAt }) };
      said.push({ is: "message", offset, event, text, at, ...audience });
    }
    return { said, isLast: (said.at(-1)?.offset ?? from) >= top };
  }

  /**
   * One page of what is told, which ends early where it would hold more than `PAGE_CHARACTERS` (but never
   * before its first message). A channel that nobody has used has an empty log, and reading it writes nothing.
   */
  page({ limit, ...query }: MessageQuery, reader: From | undefined): LogPage {
    const epoch = this.knownEpoch;
    const offset = this.top;
    const now = this.#ports.clock.now();
    const messages: string[] = [];
    let characters = 0;
    const after = Math.max(query.after ?? 0, this.retention.floor(offset) - 1);
    const rows = this.#table.read({ ...query, after, limit: Number.MAX_SAFE_INTEGER }, limit);
    for (const stored of epoch === null ? [] : rows) {
      if (messages.length === limit) break;
      if (!isTold(stored, now, reader)) continue;
      const message = this.#text.message(epoch ?? "", stored);
      characters += message.length;
      if (messages.length > 0 && characters > PAGE_CHARACTERS) break;
      messages.push(message);
    }
    return { epoch, offset, messagesJson: `[${messages.join(",")}]` };
  }

  /** The same messages in another epoch: no position of before counts any more. */
  renew(): void {
    if (this.knownEpoch !== null) this.#channelTable.setEpoch(this.#ports.random.id());
  }

  /** Empties it: what comes next begins a new epoch at 1. */
  forget(): void {
    this.#top = undefined;
    this.#table.clear();
    this.#channelTable.clear();
    this.retention.forget();
  }
}
