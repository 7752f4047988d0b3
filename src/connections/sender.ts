import { type Delivered, deliveredBy, type Tally } from "../objects/activity.ts";
import type { Clock, Timers } from "../objects/ports.ts";
import type { ErrorCode } from "../protocol/codes.ts";
import { utf8Length } from "../protocol/utf8.ts";
import type { Connection, Outlet } from "./connection.ts";
import { SlowReaders } from "./slow-readers.ts";
import { type Encoded, type TextFrame, textFrames } from "./text-frames.ts";

/** Under load what is said within so long leaves together. */
const LONGEST_WINDOW_MS = 20;
/** What may wait, for all or for one; what is more leaves at once. */
const MAX_WAITING_BYTES = 262_144;
/** So many messages leave at once in one moment for one connection alone; what follows waits for the next turn. */
const AT_ONCE = 4;

/** What is done for a connection whose socket fails with a message; without it that connection must come back. */
type Failed = (connection: Connection) => void;

/** A message to all: whom it is not for, and what is done for those whose socket fails with it. */
export interface Telling {
  but?: ReadonlySet<Connection>;
  failed?: Failed;
}

/** What a keeper does about a connection that can't be told any more; it may be asked twice. In a turn of its own. */
export interface SenderRules {
  /** It was sent too much that it does not read. */
  slow(connection: Connection): void;
  /** Something said to it is lost: what it knows may be wrong now. */
  lost(connection: Connection): void;
}

/** The connections of one keeper. */
interface Group {
  readonly size: number;
  all(): Iterable<Connection>;
}

interface Waiting extends Encoded {
  readonly delivers: Delivered | undefined;
  readonly failed: Failed | undefined;
}

class Queue {
  readonly messages: Waiting[] = [];
  bytes = 0;

  get isEmpty(): boolean {
    return this.messages.length === 0;
  }

  add(message: Waiting): void {
    this.messages.push(message);
    this.bytes += message.bytes;
  }

  copy(): Queue {
    const copy = new Queue();
    copy.messages.push(...this.messages);
    copy.bytes = this.bytes;
    return copy;
  }
}

/**
 * Sends what is said to the connections of one keeper, to each in the order in which it was told. A message after a
 * quiet moment leaves in its own turn. What is said from there to the next turn leaves together, as one array that
 * is encoded once for all who were told the same; while that is more than one message the wait grows, up to 20 ms.
 * In memory only: while something waits the object does not sleep, and a crash takes the sockets too.
 */
export class Sender implements Outlet {
  readonly #readers: SlowReaders;
  readonly #ports: { clock: Clock; timers: Timers; tally: Tally };
  readonly #group: Group;
  readonly #lost: (connection: Connection) => void;
  /** What waits for everybody who has no queue of its own. */
  #shared = new Queue();
  /** All that waits for each who was told something else, or not told all. */
  #own = new Map<Connection, Queue>();
  #isTimerSet = false;
  #windowMs = 0;
  /** To all, since the timer fired last. */
  #said = 0;
  /** How many messages left in this moment for each one alone. */
  readonly #atOnce = new Map<Connection, number>();
  #moment = Number.NEGATIVE_INFINITY;

  constructor(ports: { clock: Clock; timers: Timers; tally: Tally }, group: Group, rules: SenderRules) {
    this.#ports = ports;
    this.#group = group;
    this.#lost = (connection) => ports.timers.after(0, () => rules.lost(connection));
    this.#readers = new SlowReaders(ports.clock, group, (connection) =>
      ports.timers.after(0, () => rules.slow(connection)),
    );
  }

  /** A connection that is new: what waits was not said to it. */
  opened(connection: Connection): void {
    this.#readers.opened(connection);
    if (!this.#shared.isEmpty) this.#own.set(connection, new Queue());
  }

  refused(code: ErrorCode): void {
    this.#ports.tally.count(`refused ${code}`);
  }

  /** It is being asked whether it is there. */
  asked(connection: Connection, n: number): void {
    this.#readers.asked(connection, n);
  }

  /** It has answered the probe `n`: all that it was sent before is read. */
  answered(connection: Connection, n: number): void {
    this.#readers.answered(connection, n);
  }

  /** Its socket is gone, and with it what waited. */
  forget(connection: Connection): void {
    this.#readers.forget(connection);
    this.#own.delete(connection);
    this.#atOnce.delete(connection);
  }

  /** Tells one connection. Throws where that is done at once and the socket fails. */
  tell(connection: Connection, text: string): void {
    const message = { text, bytes: utf8Length(text), delivers: deliveredBy(text), failed: undefined };
    if (this.#waitingFor(connection).isEmpty && this.#mayLeaveAtOnce(connection)) {
      connection.socket.send(text);
      this.#count([message], 1, 1);
      return this.#readers.sent(connection, message.bytes);
    }
    const queue = this.#ownOf(connection);
    queue.add(message);
    if (queue.bytes > MAX_WAITING_BYTES) this.flush(connection);
    else this.#later();
  }

  /** Tells everybody but some. A socket that fails takes no other's message with it. */
  tellAll(text: string, { but, failed }: Telling = {}): void {
    if (this.#group.size === 0) return;
    const message = { text, bytes: utf8Length(text), delivers: deliveredBy(text), failed };
    this.#said += 1;
    if (this.#isTimerSet) this.#keepForAll(message, but);
    else this.#sendAll(message, but);
    this.#later();
  }

  /** Sends what waits for this connection: before it is closed, so that it hears all that was said to it. */
  flush(connection: Connection): void {
    const queue = this.#waitingFor(connection);
    if (queue.isEmpty) return;
    if (this.#shared.isEmpty) this.#own.delete(connection);
    else this.#own.set(connection, new Queue());
    const frames = textFrames(queue.messages);
    this.#count(queue.messages, frames.length, this.#deliver(connection, queue.messages, frames));
    this.#readers.sent(connection, queue.bytes);
  }

  #waitingFor(connection: Connection): Queue {
    return this.#own.get(connection) ?? this.#shared;
  }

  #ownOf(connection: Connection): Queue {
    const known = this.#own.get(connection);
    if (known !== undefined) return known;
    const queue = this.#shared.copy();
    this.#own.set(connection, queue);
    return queue;
  }

  #mayLeaveAtOnce(connection: Connection): boolean {
    const now = this.#ports.clock.now();
    if (now !== this.#moment) this.#atOnce.clear();
    this.#moment = now;
    const count = (this.#atOnce.get(connection) ?? 0) + 1;
    this.#atOnce.set(connection, count);
    return count <= AT_ONCE;
  }

  /** In this turn: no timer means that nothing waits. */
  #sendAll(message: Waiting, but: ReadonlySet<Connection> | undefined): void {
    const messages = [message];
    const frames = textFrames(messages);
    let told = 0;
    for (const connection of this.#group.all()) {
      if (but?.has(connection)) this.#readers.missed(connection, message.bytes);
      else told += this.#deliver(connection, messages, frames);
    }
    this.#count(messages, frames.length, told);
    this.#readers.sentToAll(message.bytes);
  }

  #keepForAll(message: Waiting, but: ReadonlySet<Connection> = new Set()): void {
    for (const connection of but) this.#ownOf(connection);
    this.#shared.add(message);
    for (const [connection, queue] of this.#own) if (!but.has(connection)) queue.add(message);
    if (this.#shared.bytes > MAX_WAITING_BYTES) this.#flushAll();
  }

  #later(): void {
    if (this.#isTimerSet) return;
    this.#isTimerSet = true;
    this.#ports.timers.after(this.#windowMs, () => this.#tick());
  }

  /** The window begins when all is written: the runtime counts from when this turn began, and to write may take as long. */
  #laterStill(): void {
    this.#isTimerSet = true;
    this.#ports.timers.after(0, () => this.#ports.timers.after(this.#windowMs, () => this.#tick()));
  }

  #tick(): void {
    this.#isTimerSet = false;
    const said = this.#said;
    this.#said = 0;
    if (said > 1) this.#windowMs = Math.min(LONGEST_WINDOW_MS, Math.max(2 * this.#windowMs, said));
    else this.#windowMs = Math.floor(this.#windowMs / 2);
    this.#flushAll();
    if (this.#windowMs > 0) this.#laterStill(); // not quiet yet
  }

  #flushAll(): void {
    const [shared, own] = [this.#shared, this.#own];
    this.#shared = new Queue();
    this.#own = new Map();
    if (!shared.isEmpty) {
      const frames = textFrames(shared.messages);
      let told = 0;
      for (const connection of this.#group.all()) {
        if (own.has(connection)) this.#readers.missed(connection, shared.bytes);
        else told += this.#deliver(connection, shared.messages, frames);
      }
      this.#count(shared.messages, frames.length, told);
    }
    for (const [connection, { messages }] of own) {
      const frames = textFrames(messages);
      this.#count(messages, frames.length, this.#deliver(connection, messages, frames));
    }
    this.#readers.sentToAll(shared.bytes);
    for (const [connection, { bytes }] of own) this.#readers.sent(connection, bytes);
  }

  /** For the metrics, once for all who were told the same. */
  #count(messages: readonly Waiting[], frames: number, connections: number): void {
    if (connections === 0 || messages.length === 0) return;
    const { tally } = this.#ports;
    tally.count("frames out", frames * connections);
    const delivered = new Map<Delivered, number>();
    for (const { delivers } of messages) {
      if (delivers !== undefined) delivered.set(delivers, (delivered.get(delivers) ?? 0) + 1);
    }
    for (const [what, times] of delivered) tally.count(`delivered ${what}`, times * connections);
  }

  /** Answers how many were told all: one or none. */
  #deliver(connection: Connection, messages: readonly Waiting[], frames: readonly TextFrame[]): 0 | 1 {
    let sent = 0;
    try {
      for (const frame of frames) {
        connection.socket.send(frame.text);
        sent += frame.messages;
      }
      return 1;
    } catch {
      const unsent = messages.slice(sent);
      const [first] = unsent;
      if (unsent.every(({ failed }) => failed !== undefined)) first?.failed?.(connection);
      else this.#lost(connection);
      return 0;
    }
  }
}
