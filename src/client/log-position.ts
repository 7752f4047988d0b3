import type { Message } from "../protocol/bodies.ts";
import type { WelcomeFrame } from "../protocol/server-frames.ts";
import type { Position } from "./address.ts";
import { isSkipped } from "./frames.ts";

/** How far a channel's log was seen, so that a reconnect goes on from there: nothing twice, no gap. */
export class LogPosition {
  #at: Position | undefined;

  /** Where to recover from; `undefined` before the first welcome. */
  get current(): Position | undefined {
    return this.#at;
  }

  /** Takes in a welcome. Answers which of its messages are new. */
  welcomed({ epoch, offset, recovered, messages = [] }: WelcomeFrame): Message[] {
    if (epoch === undefined || offset === undefined) return [];
    const goesOn = recovered === true && this.#at?.epoch === epoch;
    // With missed messages the log is seen up to before the first of them, not up to the top: the rest of
    // them may still be on its way when this connection too is lost.
    if (!goesOn) this.#at = { epoch, offset: (messages[0]?.offset ?? offset + 1) - 1 };
    return messages.filter(
      (message): message is Message => this.advance(message.offset) && !isSkipped(message),
    );
  }

  /** Whether the message at `offset` is news; from then on it is not. */
  advance(offset: number): boolean {
    if (this.#at === undefined) return true;
    if (offset <= this.#at.offset) return false;
    this.#at = { epoch: this.#at.epoch, offset };
    return true;
  }
}
