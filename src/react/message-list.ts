import type { Message, MessagePage, RollcallError, Timers } from "../client/index.ts";
import { Cell } from "./cell.ts";
import { PAUSE_MS, refusalOf } from "./refusals.ts";

/** No list grows beyond this, however long a page stays open: as much as the service keeps of a channel by default. */
export const MOST_KEPT = 1_000;

export interface MessageListSetup {
  timers: Timers;
  /** Stored messages, the newest first; rejects with a `RollcallError`. */
  history(options: { before?: number; limit: number }): Promise<MessagePage>;
  failed(error: RollcallError): void;
}

/** The newest messages of a channel: those that came since it was joined, and as many before as somebody wants. */
export class MessageList {
  readonly messages = new Cell<readonly Message[]>([]);
  readonly #setup: MessageListSetup;
  #wanted = 0;
  #isOpen = false;
  #isAsking = false;
  /** How many logs there have been: an answer of the last one says nothing of this one. */
  #logs = 0;
  /** There is nothing older, or no right to it. */
  #isWhole = false;
  #cancelRetry: () => void = () => undefined;

  constructor(setup: MessageListSetup) {
    this.#setup = setup;
  }

  /** Somebody shows so many. */
  want(count: number): void {
    this.#wanted = Math.min(Math.max(this.#wanted, count), MOST_KEPT);
    this.#fill();
  }

  /** The channel can be asked, or no longer. */
  stands(isOpen: boolean): void {
    this.#isOpen = isOpen;
    this.#fill();
  }

  /** Live, or recovered: in order. What was read up to already is no news. */
  heard(message: Message): void {
    const known = this.messages.get();
    const last = known.at(-1);
    if (last !== undefined && message.offset <= last.offset) return;
    this.messages.set([...known, message].slice(-MOST_KEPT));
  }

  /** The log is another one, which counts anew. */
  clear(): void {
    this.messages.set([]);
    this.#logs++;
    this.#isWhole = false;
  }

  end(): void {
    this.#isOpen = false;
    this.#cancelRetry();
  }

  #fill(): void {
    if (!this.#isOpen || this.#isAsking || this.#isWhole) return;
    const known = this.messages.get();
    const limit = this.#wanted - known.length;
    if (limit <= 0) return;
    this.#cancelRetry();
    this.#isAsking = true;
    const [oldest] = known;
    const log = this.#logs;
    this.#setup
      .history({ limit, ...(oldest !== undefined && { before: oldest.offset }) })
      .then(({ messages }) => this.#answered(log === this.#logs ? messages : undefined, limit))
      .catch((error: unknown) => this.#refused(error));
  }

  #answered(newestFirst: Message[] | undefined, limit: number): void {
    this.#isAsking = false;
    if (newestFirst !== undefined) {
      this.#isWhole = newestFirst.length < limit;
      const known = this.messages.get(); // which has grown meanwhile
      const [oldest] = known;
      const before = newestFirst.filter(({ offset }) => oldest === undefined || offset < oldest.offset);
      if (before.length > 0) this.messages.set([...before.reverse(), ...known].slice(-MOST_KEPT));
    }
    this.#fill();
  }

  #refused(cause: unknown): void {
    this.#isAsking = false;
    const { is, error } = refusalOf(cause);
    if (is === "lost") return; // asked again once the channel stands again
    this.#setup.failed(error);
    if (is === "final") this.#isWhole = true;
    else if (this.#isOpen)
      this.#cancelRetry = this.#setup.timers.after(error.retryAfterMs ?? PAUSE_MS, () => this.#fill());
  }
}
