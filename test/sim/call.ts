import { AsyncLocalStorage } from "node:async_hooks";
import type { Kind } from "./fault-table.ts";

/** The simulator broke this call: the code under test is not to blame for what follows from it. */
export class CallFailed extends Error {
  override readonly name = "CallFailed";

  /** Without a stack: where the simulator broke it is no news, and there are thousands. */
  constructor(message: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** In whose service the running code works; undefined where it serves a client, an alarm or a timer. */
export const serving = new AsyncLocalStorage<Call | undefined>();

/** One call from one object to another, as the callee serves it. */
export class Call {
  readonly caller: Kind | "worker";
  readonly callee: Kind;
  /** In service of which the caller made it. */
  readonly parent: Call | undefined;
  /** Calls made in service of this one that the callee has no answer to yet. */
  readonly pending = new Set<Call>();
  /** Timers set in service of this one that have not fired: they may be what it waits for. */
  timers = 0;
  isAnswered = false;

  constructor(caller: Kind | "worker", callee: Kind, parent: Call | undefined) {
    this.caller = caller;
    this.callee = callee;
    this.parent = parent;
  }

  /**
   * Whether the callee waits, before it answers, for a kind that waits for it: the wait that could close a
   * circle. What is left to run in the background does not count as long as there is something else to wait
   * for; once there is nothing else, it is what is waited for.
   */
  get isCircular(): boolean {
    if (this.isAnswered || this.timers > 0 || this.pending.size === 0) return false;
    for (const { callee } of this.pending) if (!this.#isWaiting(callee)) return false;
    return true;
  }

  /** Relays that wait for relays are a tree: what each carries on is less than what it was given. */
  #isWaiting(kind: Kind): boolean {
    if (kind === "relay" && this.caller === "relay") return false;
    return this.caller === kind || (this.parent?.isAnswered === false && this.parent.#isWaiting(kind));
  }

  toString(): string {
    return `${this.parent === undefined ? this.caller : this.parent} -> ${this.callee}`;
  }
}
