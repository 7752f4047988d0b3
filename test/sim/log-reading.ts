import type { LogPosition } from "../../src/objects/ports.ts";
import type { WelcomeFrame } from "../../src/protocol/server-frames.ts";

/** What a client asked for when it came back; `isPossible`: its channel has been there, and no further. */
export interface Recovery {
  position: LogPosition;
  isPossible: boolean;
}

/**
 * What one connection reads of a channel's log: from the offset it asked for, or else from the one that its
 * welcome named, each message once and in order. Each method returns what is wrong.
 */
export class LogReading {
  readonly #asked: Recovery | undefined;
  #epoch: string | undefined;
  #offset = 0;

  constructor(asked: Recovery | undefined) {
    this.#asked = asked;
  }

  /** Where the client stands now: what it will ask for when it comes back. */
  get position(): LogPosition | undefined {
    return this.#epoch === undefined ? undefined : { epoch: this.#epoch, offset: this.#offset };
  }

  welcomed({ epoch, offset = 0, recovered = false, messages = [] }: WelcomeFrame): string | undefined {
    this.#epoch = epoch;
    this.#offset = offset;
    const should = this.#asked?.isPossible ?? false;
    if (recovered !== should) return `recovery: recovered is ${recovered}, and should be ${should}`;
    if (!recovered) return messages.length > 0 ? "recovery: messages without being recovered" : undefined;
    this.#offset = this.#asked?.position.offset ?? 0;
    for (const message of messages) {
      const wrong = this.delivered(message);
      if (wrong !== undefined) return `recovery: ${wrong}`;
    }
    return undefined;
  }

  delivered({ offset }: { offset: number }): string | undefined {
    if (offset !== this.#offset + 1) return `offset ${offset} came after ${this.#offset}`;
    this.#offset = offset;
    return undefined;
  }
}
