import { log } from "../objects/log.ts";
import { CLOSE } from "../protocol/close-codes.ts";
import { EventText, type Frame, framesIn, HEARTBEAT_TEXT } from "./event-text.ts";

/** Written and not taken, in memory of this Worker; beyond it the reader is too slow (4005). One frame may exceed it. */
const MAX_UNTAKEN_BYTES = 1024 * 1024;
/** How long an ended stream waits for its reader to take the rest. */
const LINGER_MS = 10_000;
const NORMAL = 1000;

const encoder = new TextEncoder();

export interface StreamOptions {
  heartbeatMs: number;
  /** Aborts when the client is known to be gone. Often it is not: a clean end shows only at the next write. */
  signal: AbortSignal;
}

/**
 * One event stream. The Worker holds the response and a WebSocket to the keeper, which so keeps a socket as
 * any other and can hibernate while the stream lasts. The stream is alive while it takes what is written:
 * only then is the keeper told so.
 */
export class EventStream {
  /** What the client reads. */
  readonly body: ReadableStream<Uint8Array>;
  /** Resolves when nothing of this stream is left. */
  readonly ended: Promise<void>;
  readonly #webSocket: WebSocket;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #heartbeatMs: number;
  readonly #text = new EventText();
  readonly #timer: ReturnType<typeof setInterval>;
  #untakenBytes = 0;
  #spokeAt = Date.now();
  #isOver = false;

  /** Takes over the WebSocket that the keeper's answer brought, not yet accepted. */
  constructor(webSocket: WebSocket, { heartbeatMs, signal }: StreamOptions) {
    // Without a queue of its own: a write is done when the runtime took it to send it, and fails when the client is gone.
    const { readable, writable } = new IdentityTransformStream();
    this.body = readable;
    this.#writer = writable.getWriter();
    this.#webSocket = webSocket;
    this.#heartbeatMs = heartbeatMs;
    this.ended = this.#writer.closed.catch(() => this.#leave(NORMAL, "client gone"));
    this.#timer = setInterval(() => this.#beat(), heartbeatMs);
    signal.addEventListener("abort", () => this.#leave(NORMAL, "client gone"));
    webSocket.addEventListener("message", ({ data }) => this.#heard(data));
    webSocket.addEventListener("close", () => this.#finish());
    webSocket.addEventListener("error", () => this.#finish());
    webSocket.accept();
  }

  #heard(data: string | ArrayBuffer): void {
    if (this.#isOver || data === "pong") return;
    try {
      for (const frame of framesIn(String(data))) this.#forward(frame);
    } catch (cause) {
      log.warn("unreadable frame for a stream", {}, cause);
      this.#leave(CLOSE.tryAgain, "unreadable frame"); // going on would hide a gap
    }
  }

  #forward(frame: Frame): void {
    if (this.#isOver) return;
    if (frame.type === "probe") {
      const answer = JSON.stringify({ type: "heartbeat", n: frame.n });
      this.#write(HEARTBEAT_TEXT, () => this.#webSocket.send(answer));
    } else if (frame.type !== "ok") this.#write(this.#text.of(frame)); // `ok` answers what we say, never the client
    if (frame.type === "closing") this.#finish();
  }

  /** One heartbeat at a time: while one is not taken, another would only grow the heap. */
  #beat(): void {
    if (this.#untakenBytes === 0) this.#write(HEARTBEAT_TEXT);
  }

  #write(text: string, onTaken: () => void = () => undefined): void {
    if (this.#untakenBytes > MAX_UNTAKEN_BYTES) {
      this.#leave(CLOSE.slowReader, "slow reader");
      return;
    }
    const bytes = encoder.encode(text);
    this.#untakenBytes += bytes.byteLength;
    this.#writer.write(bytes).then(
      () => this.#taken(bytes.byteLength, onTaken),
      () => this.#leave(NORMAL, "client gone"),
    );
  }

  #taken(bytes: number, onTaken: () => void): void {
    this.#untakenBytes -= bytes;
    if (this.#isOver) return;
    onTaken();
    const now = Date.now();
    if (now - this.#spokeAt < this.#heartbeatMs / 2) return; // a busy stream need not say it at each event
    this.#spokeAt = now;
    this.#webSocket.send("ping"); // answered by the platform: wakes nobody
  }

  /** The client is gone, or must go: the session ends at once, and nothing more is written. */
  #leave(code: number, reason: string): void {
    if (!this.#stop()) return;
    this.#webSocket.close(code, reason);
    this.#abort(reason);
  }

  /** The session is over: the client gets what is written, and then the end of the stream. */
  #finish(): void {
    if (!this.#stop()) return;
    this.#webSocket.close(NORMAL, "stream ended");
    const patience = setTimeout(() => this.#abort("not taken to the end"), LINGER_MS);
    this.#writer.close().then(
      () => clearTimeout(patience),
      () => clearTimeout(patience), // the client went first: there is nobody left to tell
    );
  }

  #abort(reason: string): void {
    this.#writer.abort(new Error(reason)).catch((cause) => log.warn("stream not aborted", {}, cause));
  }

  /** False where it was stopped before. */
  #stop(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    clearInterval(this.#timer);
    return true;
  }
}
