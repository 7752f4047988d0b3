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

/**
 * Messages that are lost: those with the offsets `from` to `to` of the present log. A log that was lost or deleted
 * itself began anew: then `from` is 1, and `to` may be 0.
 */
export interface Gap {
  from: number;
  to: number;
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

  /** Takes in where the session stands. Answers which of its messages are new, and what was lost before them. */
  stands({ epoch, offset, recovered, messages = [] }: Stand): { news: Message[]; gap?: Gap | undefined } {
    if (epoch === undefined || offset === undefined) return { news: [] };
    const old = this.#at;
    const isSame = old?.epoch === epoch;
    let gap: Gap | undefined;
    if (!isSame || !recovered) {
      const seen = isSame ? old.offset : 0;
      // With missed messages the log is seen up to before the first of them, not up to the top: the rest of
      // them may still be on its way when this connection too is lost.
      const to = (messages[0]?.offset ?? offset + 1) - 1;
      this.#at = { epoch, offset: Math.max(seen, to) };
      if (old !== undefined && (!isSame || to > seen)) gap = { from: seen + 1, to };
    }
    const isNews = (message: Message | Skipped): message is Message =>
      this.take(message) === "new" && !isSkipped(message);
    return { news: messages.filter(isNews), gap };
  }

  /** Whether this is news; from then on it is not. What lies beyond a gap is left for later. A skipped one may stand for a run. */
  take(message: Message | Skipped): News {
    const at = this.#at;
    if (at === undefined || message.offset <= at.offset) return "known"; // before the first welcome there is nothing to go on from
    if (message.offset > at.offset + 1 && !isSkipped(message)) return "gap";
    this.#at = { epoch: at.epoch, offset: message.offset };
    return "new";
  }
}
