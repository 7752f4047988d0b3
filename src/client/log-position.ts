import type { Message, Skipped } from "../protocol/bodies.ts";
import type { Position } from "./address.ts";
import { isSkipped } from "./frames.ts";

/** Where the service says that a session stands: in a welcome, or in answer to `subscribe`. */
export interface Stand {
  epoch?: string | undefined;
  offset?: number | undefined;
  recovered?: boolean | undefined;
  messages?: readonly (Message | Skipped)[] | undefined;
}

/** `gap`: something lies between it and what was seen. */
export type News = "new" | "known" | "gap";

/** How far a channel's log was seen, so that a reconnect goes on from there: nothing twice, no gap. */
export class LogPosition {
  #at: Position | undefined;

  /** Where to recover from; `undefined` before the first welcome. */
  get current(): Position | undefined {
    return this.#at;
  }

  /** Takes in where the session stands. Answers which of its messages are new, and whether something was lost before them. */
  stands({ epoch, offset, recovered, messages = [] }: Stand): { news: Message[]; isReset: boolean } {
    if (epoch === undefined || offset === undefined) return { news: [], isReset: false };
    const goesOn = recovered === true && this.#at?.epoch === epoch;
    const isReset = !goesOn && this.#at !== undefined;
    // With missed messages the log is seen up to before the first of them, not up to the top: the rest of
    // them may still be on its way when this connection too is lost.
    if (!goesOn) this.#at = { epoch, offset: (messages[0]?.offset ?? offset + 1) - 1 };
    const isNews = (message: Message | Skipped): message is Message =>
      this.#advance(message.offset) && !isSkipped(message);
    return { news: messages.filter(isNews), isReset };
  }

  /** Whether this is news; from then on it is not. What lies beyond a gap is left for later. A skipped one may stand for a run. */
  take(message: Message | Skipped): News {
    if (this.#at !== undefined && !isSkipped(message) && message.offset > this.#at.offset + 1) return "gap";
    return this.#advance(message.offset) ? "new" : "known";
  }

  #advance(offset: number): boolean {
    if (this.#at === undefined) return true;
    if (offset <= this.#at.offset) return false;
    this.#at = { epoch: this.#at.epoch, offset };
    return true;
  }
}
