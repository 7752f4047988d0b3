import type { SocketLike } from "../client/index.ts";

/** No close was received: what a browser says of a network that is gone. */
const ABNORMAL = 1006;

interface SocketEvents {
  open: undefined;
  error: undefined;
  message: { data: unknown };
  close: { code: number; reason: string };
}

/** What passes, or does not, between a socket and the network. */
export interface LineOfSocket {
  readonly state: "sound" | "cut" | "silent";
  /** A text came that is withheld for now. */
  held(data: unknown): void;
  /** The service has closed a socket that says nothing. */
  ended(code: number): void;
  /** Nothing more will come of it. */
  forget(socket: LineSocket): void;
}

/** A WebSocket whose network can be taken away: `cut` breaks it, and while the line is silent nothing passes either way. */
export class LineSocket implements SocketLike {
  readonly #line: LineOfSocket;
  readonly #open: () => WebSocket;
  /** Not there yet where the line has been silent all the time. */
  #native: WebSocket | undefined;
  readonly #listeners: { [E in keyof SocketEvents]: ((event: SocketEvents[E]) => void)[] } = {
    open: [],
    error: [],
    message: [],
    close: [],
  };
  /** What would have passed, in order; as TCP does, it is made up for when the line is back. */
  #held: (() => void)[] = [];
  #isOver = false;

  constructor(line: LineOfSocket, url: string, protocols: string[]) {
    this.#line = line;
    this.#open = () => new WebSocket(url, protocols);
    if (line.state === "cut") setTimeout(() => this.cut());
    if (line.state === "sound") this.#start();
  }

  addEventListener<E extends keyof SocketEvents>(type: E, listener: (event: SocketEvents[E]) => void): void {
    this.#listeners[type].push(listener);
  }

  send(text: string): void {
    this.#pass(() => {
      if (this.#native?.readyState === WebSocket.OPEN) this.#native.send(text);
    });
  }

  close(code?: number, reason?: string): void {
    if (this.#native === undefined) this.#end(ABNORMAL, "");
    else this.#pass(() => this.#native?.close(code, reason));
  }

  /**
   * Breaks it, here at once. A page cannot let go of TCP without a word: the service hears a close that says nothing,
   * which begins the same grace as a broken line.
   */
  cut(): void {
    this.#held = [];
    this.#native?.close();
    this.#end(ABNORMAL, "cut");
  }

  /** The line passes everything again: what waited goes first, and what was begun in silence begins. */
  resume(): void {
    const held = this.#held;
    this.#held = [];
    for (const pass of held) pass();
    if (this.#native === undefined && !this.#isOver) this.#start();
  }

  #start(): void {
    const native = this.#open();
    this.#native = native;
    const isSilent = () => this.#line.state === "silent" && !this.#isOver;
    native.addEventListener("open", () => this.#pass(() => this.#tell("open", undefined)));
    native.addEventListener("message", ({ data }) => {
      if (isSilent()) this.#line.held(data);
      this.#pass(() => this.#tell("message", { data }));
    });
    native.addEventListener("close", ({ code, reason }) => {
      if (isSilent()) this.#line.ended(code);
      this.#pass(() => this.#end(code, reason));
    });
  }

  #pass(pass: () => void): void {
    if (this.#isOver) return;
    if (this.#line.state === "silent") this.#held.push(pass);
    else pass();
  }

  #tell<E extends keyof SocketEvents>(type: E, event: SocketEvents[E]): void {
    for (const listener of this.#listeners[type]) listener(event);
  }

  /** Once. */
  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#line.forget(this);
    this.#tell("close", { code, reason });
  }
}
