import type { Settings } from "../config.ts";
import type { Claims } from "../protocol/claims.ts";
import { isRefusal, type Refusal } from "../protocol/codes.ts";
import { MAX_CLOSE_REASON_BYTES } from "../protocol/limits.ts";
import { truncateUtf8 } from "../protocol/utf8.ts";
import type { Keeper, Log, Ports, Socket } from "./ports.ts";
import { refusedResponse } from "./refused.ts";
import { elsewhereResponse, unseal } from "./sealed.ts";
import { Waking } from "./waking-object.ts";

const HIGHEST_CLOSE_CODE = 4999;
/** RFC 6455, section 7.4.1: "no status" is said by sending none. */
const NO_STATUS = 1005;
const ABNORMAL = 1006;

/** The answer to a call has left by then. */
const ANSWERED_WITHIN_MS = 1000;

/** A moment of the last 30 days, in milliseconds, or a bookmark that `restore` gave. */
export type PointInTime = { at: number } | { bookmark: string };

/** How a token is verified; handed in, because who you are is another room's business. */
export type VerifyToken = (
  token: string,
  settings: Settings,
  nowMs: number,
  outside: { background: (work: Promise<unknown>) => void; warn: Log["warn"] },
) => Promise<Claims | Refusal>;

/**
 * The platform around one keeper: turns what happens to a Durable Object into calls of the rules, and what
 * the rules want into effects. Hibernation is the only mode. A `*-object.ts` owns one and forwards to it.
 */
export class Shell<K extends Keeper> {
  readonly #ctx: DurableObjectState;
  readonly #sockets = new WeakMap<WebSocket, PlatformSocket>();
  readonly #waking: Waking<K>;

  constructor(
    ctx: DurableObjectState,
    env: Env,
    wake: (ports: Ports, settings: Settings, name: string) => K,
    verify: VerifyToken,
  ) {
    this.#ctx = ctx;
    // Lost on reset, so set on every wake-up; the platform then answers `ping` without waking anybody.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    this.#waking = new Waking(ctx, env, (basic, settings, name) => {
      const background = (work: Promise<unknown>) => ctx.waitUntil(work);
      const outside = { background, warn: basic.log.warn };
      const ports = {
        ...basic,
        sockets: { open: () => this.#open() },
        tokens: { verify: (token: string) => verify(token, settings, basic.clock.now(), outside) },
      };
      return wake(ports, settings, name);
    });
  }

  /** For a call; all else comes by the methods below. */
  get keeper(): K {
    return this.#waking.rules;
  }

  /** A WebSocket upgrade that the Worker sealed. */
  async fetch(request: Request): Promise<Response> {
    const pair = new WebSocketPair();
    const answer = await this.#waking.rulesFor("connect").connect(unseal(request), () => {
      this.#ctx.acceptWebSocket(pair[1]);
      return this.#wrap(pair[1]);
    });
    if (answer !== undefined) return isRefusal(answer) ? refusedResponse(answer) : elsewhereResponse(answer);
    return new Response(null, { status: 101, webSocket: pair[0] });
  }

  async message(webSocket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    await this.#waking.rulesFor("frame").received(this.#wrap(webSocket), data);
  }

  /**
   * The close handshake is answered here: for hibernating sockets the platform does not, on any
   * compatibility date, and the client would wait ten seconds and see 1006.
   */
  close(webSocket: WebSocket, code: number, reason: string): void {
    this.#waking.rulesFor("close").closed(this.#wrap(webSocket));
    if (code !== ABNORMAL) this.#wrap(webSocket).close(code, reason);
  }

  /** Terminal: no close event follows (a frame over 32 MiB ends here). */
  error(webSocket: WebSocket): void {
    this.#waking.rulesFor("close").closed(this.#wrap(webSocket));
  }

  alarm(): void {
    this.#waking.alarm();
  }

  /**
   * Takes the whole storage back to what it was then, and resolves with the bookmark that undoes that. It happens when the object
   * next wakes, and so a moment later the object is reset: sockets break, and come back. No route leads here: it is for a Worker of the operator's own
   * (docs/operations.md). Throws where the platform can't, as in local development.
   */
  async restore(to: PointInTime): Promise<string> {
    const { storage } = this.#ctx;
    const bookmark = "at" in to ? await storage.getBookmarkForTime(to.at) : to.bookmark;
    const undo = await storage.onNextSessionRestoreBookmark(bookmark);
    setTimeout(() => this.#ctx.abort("its storage goes back in time"), ANSWERED_WITHIN_MS);
    return undo;
  }

  #open(): Socket[] {
    const open = this.#ctx.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN);
    return open.map((webSocket) => this.#wrap(webSocket));
  }

  #wrap(webSocket: WebSocket): PlatformSocket {
    const known = this.#sockets.get(webSocket);
    if (known !== undefined) return known;
    const socket = new PlatformSocket(this.#ctx, webSocket);
    this.#sockets.set(webSocket, socket);
    return socket;
  }
}

class PlatformSocket implements Socket {
  readonly #ctx: DurableObjectState;
  readonly #webSocket: WebSocket;
  /** By us. To ask the platform for its state would cost as much as to send. */
  #isClosed = false;

  constructor(ctx: DurableObjectState, webSocket: WebSocket) {
    this.#ctx = ctx;
    this.#webSocket = webSocket;
  }

  /** Kept as bytes: as a string, one letter outside Latin-1 would double what 16 KB must hold. */
  get attachment(): string {
    const stored: unknown = this.#webSocket.deserializeAttachment();
    return stored instanceof Uint8Array ? new TextDecoder().decode(stored) : "";
  }

  attach(text: string): void {
    this.#webSocket.serializeAttachment(new TextEncoder().encode(text));
  }

  send(text: string): void {
    if (!this.#isClosed) this.#webSocket.send(text); // after our own close the platform would throw
  }

  close(code: number, reason: string): void {
    this.#isClosed = true;
    if (this.#webSocket.readyState === WebSocket.CLOSED) return;
    if (code === NO_STATUS || code < 1000 || code > HIGHEST_CLOSE_CODE) this.#webSocket.close();
    else this.#webSocket.close(code, truncateUtf8(reason, MAX_CLOSE_REASON_BYTES));
  }

  pingedAt(): number | null {
    return this.#ctx.getWebSocketAutoResponseTimestamp(this.#webSocket)?.getTime() ?? null;
  }
}
