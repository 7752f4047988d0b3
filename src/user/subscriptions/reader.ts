import { type Connection, fromConnection } from "../../connections/connection.ts";
import type { Delivery, LogFrames, ReadRequest, Subscribed } from "../../objects/subscribing.ts";
import type { Ref } from "../../protocol/client-frames.ts";
import { isRefusal, type Refusal } from "../../protocol/codes.ts";
import { framesFor, topOf } from "./batch.ts";
import { isIn, type Position, type Positions } from "./positions.ts";
import { subscribedFrame } from "./subscribed-frame.ts";
import type { Subscription } from "./subscription-table.ts";

/** Deliveries that may wait for an answer of the channel; what is more is read from the log. */
const MOST_HELD = 100;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** What a client, or we for it, want to be told of a channel. */
export interface Wanted {
  recover?: { epoch: string; offset: number };
  rewind?: number;
  ref?: Ref;
}

/** What a reader needs of the world around it. */
export interface ReaderRules {
  isLive(): boolean;
  /** Asks the channel. Without `isOurs` recovery reaches as far as the client's grants. */
  ask(subscription: Subscription, wanted: Wanted, isOurs: boolean): Promise<Subscribed | Refusal>;
  read(channel: string, request: ReadRequest): Promise<LogFrames | null>;
  /** This connection is sent so many bytes of the log. */
  sent(bytes: number): void;
  /** Reads a page once the client has read enough of what this connection was sent; undefined if none is wanted by then. */
  page(
    isWanted: () => boolean,
    read: (maxBytes: number) => Promise<LogFrames | null | undefined>,
  ): Promise<LogFrames | null | undefined>;
  mayHearRoster(channel: string): boolean;
  /** In the background; a failure is tried again after a while. */
  later(ms: number, work: () => void): void;
  background(work: Promise<void>): void;
  failed(cause: unknown): void;
  /** The channel says that there is no such subscription. */
  over(subscription: Subscription, refused: Refusal): void;
}

/**
 * One session of this connection that reads one channel: everything in order, nothing twice, and no gap. What
 * the channel says is passed on while it follows from what was sent; where something lies between, the channel is
 * asked from there. While it is asked deliveries wait; while the log is read page by page messages are left to
 * the log, until it has reached all that was heard of meanwhile.
 */
export class Reader {
  subscription: Subscription;
  readonly #connection: Connection;
  readonly #positions: Positions;
  readonly #rules: ReaderRules;
  #state: "asking" | "reading" | "live" = "live";
  /** Deliveries that wait for an answer; null where they were too many. */
  #held: Delivery[] | null = [];
  /** The highest offset that was heard of while the log is read. */
  #highest = 0;
  /** An answer to an older question counts no more. */
  #question = 0;
  #retryMs = FIRST_RETRY_MS;
  /** Of the last answer; unknown after sleep. */
  #epoch: string | undefined;

  constructor(subscription: Subscription, connection: Connection, positions: Positions, rules: ReaderRules) {
    this.subscription = subscription;
    this.#connection = connection;
    this.#positions = positions;
    this.#rules = rules;
  }

  /** The channel has answered, and nothing is being asked or read. */
  get isSettled(): boolean {
    return this.#state === "live" && this.#position() !== undefined;
  }

  /** The channel may have lost this subscription: asks it to take it up where it stands. */
  heal(epoch: string): void {
    this.#heal(epoch);
  }

  /** Nothing more is sent. */
  stop(): void {
    this.#state = "asking"; // for good: nobody waits for the answer
    this.#question += 1;
    this.#positions.delete(this.subscription.slot);
  }

  /** Asks the channel, for the client; answers with the refusal, or sends what came of it. Throws where no answer came. */
  async ask(wanted: Wanted): Promise<Refusal | undefined> {
    const question = this.#begin();
    try {
      const answer = await this.#rules.ask(this.subscription, wanted, false);
      if (!this.#isCurrent(question)) return undefined;
      if (isRefusal(answer)) {
        this.#resume();
        return answer;
      }
      this.#stands(
        answer,
        subscribedFrame(this.subscription.channel, answer, this.#mayHearRoster, wanted.ref),
      );
      return undefined;
    } catch (cause) {
      if (this.#isCurrent(question)) this.#resume();
      throw cause;
    }
  }

  /** Something was said in the channel. */
  take(delivery: Delivery): void {
    if (this.#state === "asking") return this.#hold(delivery);
    const position = this.#position();
    const top = topOf(delivery);
    this.#highest = Math.max(this.#highest, top);
    const isLate = position !== undefined && delivery.number <= position.number;
    if (position === undefined || this.#misses(delivery, position, isLate)) return this.#heal(delivery.epoch);
    if (isLate) return;
    const isLive = this.#state === "live";
    const knowsRoster = delivery.roster === position.roster;
    const frames = framesFor(delivery, {
      who: fromConnection(this.#connection),
      offset: isLive ? position.offset : null,
      mayHearRoster: this.#mayHearRoster && !knowsRoster,
      events: this.subscription.events,
    });
    for (const frame of frames) this.#connection.tell(frame);
    const { epoch, roster, number } = delivery;
    this.#moveTo({
      epoch,
      roster,
      number,
      offset: isLive ? Math.max(position.offset, top) : position.offset,
    });
  }

  /** Whether this does not follow from what was sent. A late one is not passed on, so it must hold nothing new. */
  #misses({ epoch, prev, rosterBefore, roster, ...rest }: Delivery, at: Position, isLate: boolean): boolean {
    if (!isIn(epoch, at)) return true;
    const top = topOf({ epoch, prev, rosterBefore, roster, ...rest });
    if (this.#state === "live" && (isLate ? top : prev) > at.offset) return true;
    const isOtherRoster = roster !== at.roster && (isLate || rosterBefore !== at.roster);
    return isOtherRoster && this.#mayHearRoster;
  }

  #hold(delivery: Delivery): void {
    if (this.#held !== null && this.#held.length < MOST_HELD) this.#held.push(delivery);
    else this.#held = null;
  }

  #begin(): number {
    this.#state = "asking";
    this.#held ??= [];
    this.#question += 1;
    return this.#question;
  }

  /** Asks for what was missed, and tells the client where it stands if anything was. */
  #heal(epoch: string): void {
    this.#rules.background(this.#askAgain(epoch));
  }

  async #askAgain(epoch: string): Promise<void> {
    const question = this.#begin();
    const position = this.#position();
    // Of another log nothing can be recovered: the channel says so, and so do we.
    const from =
      position !== undefined && isIn(epoch, position) ? { epoch, offset: position.offset } : undefined;
    try {
      const answer = await this.#rules.ask(this.subscription, from ? { recover: from } : {}, true);
      if (!this.#isCurrent(question)) return;
      if (isRefusal(answer) && answer.code !== "unavailable")
        return this.#rules.over(this.subscription, answer);
      if (isRefusal(answer)) throw new Error(answer.message);
      this.#retryMs = FIRST_RETRY_MS;
      const isNews =
        !answer.recovered || answer.reached > (from?.offset ?? 0) || answer.roster !== position?.roster;
      const frame = subscribedFrame(this.subscription.channel, answer, this.#mayHearRoster);
      this.#stands(answer, isNews ? frame : undefined);
    } catch (cause) {
      if (!this.#isCurrent(question)) return;
      this.#rules.failed(cause);
      this.#healLater(epoch);
    }
  }

  /** The channel did not answer: what is held is of no use, the log has it. */
  #healLater(epoch: string): void {
    const question = this.#question;
    this.#rules.later(this.#retryMs, () => {
      if (this.#isCurrent(question)) this.#heal(epoch);
    });
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }

  #stands(answer: Subscribed, frame: string | undefined): void {
    const { epoch, reached: offset, roster, number, isLast, bytes } = answer;
    if (frame !== undefined) this.#connection.tell(frame);
    this.#moveTo({ epoch, offset, roster, number });
    this.#epoch = epoch;
    this.#highest = 0;
    this.#state = isLast ? "live" : "reading";
    this.#rules.sent(bytes);
    const held = this.#held;
    this.#held = [];
    for (const delivery of held ?? []) this.take(delivery); // what was said meanwhile is next
    if (held === null) this.#heal(epoch);
    else if (this.#isReading()) this.#rules.background(this.#read(epoch));
  }

  /** The question came to nothing: it goes on from where it stood, if it stood anywhere. */
  #resume(): void {
    const held = this.#held;
    this.#held = [];
    if (this.#position() === undefined) return;
    this.#state = "live";
    if (this.#epoch !== undefined) return this.#heal(this.#epoch);
    for (const delivery of held ?? []) this.take(delivery);
  }

  #isReading(): boolean {
    return this.#state === "reading";
  }

  /** Nothing newer was asked, and the connection lives. */
  #isCurrent(question: number): boolean {
    return question === this.#question && this.#rules.isLive();
  }

  async #read(epoch: string): Promise<void> {
    const question = this.#question;
    const isCurrent = () => this.#isCurrent(question) && this.#isReading();
    try {
      while (isCurrent()) {
        const page = await this.#rules.page(isCurrent, (maxBytes) => this.#nextPage(epoch, maxBytes));
        if (!isCurrent() || page === undefined) return;
        if (page === null) return this.#heal(epoch);
        this.#pass(page);
      }
    } catch (cause) {
      if (!this.#isCurrent(question)) return;
      this.#rules.failed(cause);
      this.#healLater(epoch);
    }
  }

  async #nextPage(epoch: string, maxBytes: number): Promise<LogFrames | null | undefined> {
    const position = this.#position();
    if (position === undefined) return undefined;
    const { session, channel, events } = this.subscription;
    const after = { epoch, offset: position.offset };
    const reader = fromConnection(this.#connection);
    return this.#rules.read(channel, { session, reader, after, maxBytes, ...(events && { events }) });
  }

  #pass({ frames, after, isLast }: LogFrames): void {
    for (const frame of frames) this.#connection.tell(frame);
    const position = this.#position();
    if (position !== undefined) this.#moveTo({ ...position, ...after });
    if (isLast && after.offset >= this.#highest) this.#state = "live";
  }

  #position(): Position | undefined {
    return this.#positions.of(this.subscription.slot);
  }

  #moveTo(position: Position): void {
    this.#positions.set(this.subscription.slot, position);
  }

  get #mayHearRoster(): boolean {
    return this.#rules.mayHearRoster(this.subscription.channel);
  }
}
