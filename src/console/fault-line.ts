import type { SocketConstructor } from "../client/index.ts";
import { type LineOfSocket, LineSocket } from "./line-socket.ts";

/** What a line tells while it is silent. */
export interface LineHandlers {
  /** The service asks whether anybody is there. */
  probed(): void;
  /** The service has closed a connection that says nothing. */
  ended(code: number): void;
}

/**
 * The network of one card, made to fail on purpose: handed to `connect` as its `WebSocket` and `fetch`. Cut, all that is
 * open breaks, and nothing can be opened. Silent, all stays open, and nothing passes until `restore`.
 */
export class FaultLine {
  readonly WebSocket: SocketConstructor;
  readonly #sockets = new Set<LineSocket>();
  #state: LineOfSocket["state"] = "sound";

  constructor({ probed, ended }: LineHandlers) {
    const sockets = this.#sockets;
    const stateNow = () => this.#state;
    const line: LineOfSocket = {
      get state() {
        return stateNow();
      },
      held: (data) => {
        if (isProbe(data)) probed();
      },
      ended,
      forget: (socket) => sockets.delete(socket),
    };
    this.WebSocket = class extends LineSocket {
      constructor(url: string, protocols: string[]) {
        super(line, url, protocols);
        sockets.add(this);
      }
    };
  }

  get state(): LineOfSocket["state"] {
    return this.#state;
  }

  /** Fails where the network would. */
  readonly fetch: typeof fetch = (input, init) =>
    this.#state === "sound" ? fetch(input, init) : Promise.reject(new TypeError("the line is cut"));

  cut(): void {
    this.#state = "cut";
    for (const socket of [...this.#sockets]) socket.cut();
  }

  silence(): void {
    this.#state = "silent";
  }

  restore(): void {
    this.#state = "sound";
    for (const socket of [...this.#sockets]) socket.resume();
  }
}

function isProbe(data: unknown): boolean {
  return typeof data === "string" && data.includes('"type":"probe"');
}
