import type { DirectMessage } from "../protocol/inbox.ts";
import type { Emit } from "./connection-events.ts";
import { forgetOldest } from "./forget-oldest.ts";
import type { Timers } from "./timers.ts";

/** Acknowledgements are gathered for so long: each one that arrives costs the service a row. */
const GATHER_MS = 100;
/** More ids than can be in flight: what was told longer ago is never repeated while it is remembered. */
const MOST_REMEMBERED = 1_000;

export interface InboxSetup {
  timers: Timers;
  /** `auto`, if it is not said: messages are done with when every handler has returned; else when the app says so. */
  acknowledge?: "auto" | "manual";
  emit: Emit;
  /** Sends a frame if the connection is open. */
  tell(frame: object): void;
}

/** The next inbox of a user who was erased counts anew: what is done with is known by its id. */
interface Told {
  id: string;
  isDone: boolean;
}

/** What `connection.inbox` offers. */
export type ConnectionInbox = Pick<Inbox, "latest" | "acked" | "ack">;

/**
 * The direct messages of one connection: each is told once, however often the service repeats it, and
 * acknowledged for this device when it is done with. What nobody listens to is not.
 */
export class Inbox {
  readonly #setup: InboxSetup;
  /** By `seq` what was told and may come again. */
  readonly #told = new Map<number, Told>();
  #latest = 0;
  #acked = 0;
  /** Done with, and not said yet; 0 where there is nothing to say. */
  #unsaid = 0;

  constructor(setup: InboxSetup) {
    this.#setup = setup;
  }

  /** The newest `seq` that is known of, 0 for none. */
  get latest(): number {
    return this.#latest;
  }

  /** Up to where this device has acknowledged, as far as this connection knows. */
  get acked(): number {
    return this.#acked;
  }

  /** All up to `seq` is done with. Without the connection it is said again when the messages come again. */
  ack(seq: number): void {
    for (const [told, message] of this.#told) if (told <= seq) message.isDone = true;
    const isFirst = this.#unsaid === 0;
    this.#unsaid = Math.max(this.#unsaid, seq);
    if (isFirst) this.#setup.timers.after(GATHER_MS, () => this.#flush());
  }

  welcomed({ latest, acked }: { latest: number; acked: number }): void {
    this.#latest = latest;
    this.#acked = acked;
    this.#unsaid = 0; // of the connection before: who was erased meanwhile has another inbox now
    for (const seq of this.#told.keys()) if (seq <= acked) this.#told.delete(seq);
  }

  heard(message: DirectMessage): void {
    const { seq, id } = message;
    this.#latest = Math.max(this.#latest, seq);
    if (this.#told.get(seq)?.id !== id) {
      this.#told.set(seq, { id, isDone: this.#setup.acknowledge !== "manual" }); // before a handler says that it is done with it
      forgetOldest(this.#told, MOST_REMEMBERED);
      if (!this.#setup.emit("direct", message)) this.#told.delete(seq);
    }
    if (this.#told.get(seq)?.isDone) this.ack(seq);
  }

  #flush(): void {
    const seq = this.#unsaid;
    if (seq === 0) return;
    this.#unsaid = 0;
    this.#acked = Math.max(this.#acked, seq);
    this.#setup.tell({ type: "ack", seq });
  }
}
