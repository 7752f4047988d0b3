import { CLOSE, mayReconnect } from "../protocol/close-codes.ts";
import type { ClosingFrame, WelcomeFrame } from "../protocol/server-frames.ts";
import { connectAddress, looksLikeToken, type Position, subprotocols, webSocketAddress } from "./address.ts";
import { askWhy, type RefusedAttempt } from "./ask-why.ts";
import { RollcallError } from "./errors.ts";
import { type IncomingFrame, readFrames } from "./frames.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Settings } from "./settings.ts";
import { type OpenSocket, openSocket } from "./socket.ts";
import type { Loss } from "./state.ts";
import { BLOCKED_AFTER, socketOf } from "./transport.ts";

/** After `closing` the close itself follows at once, or never. */
const CLOSE_WITHIN_MS = 1_000;
/** No close was received. */
const ABNORMAL = 1006;

export interface LinkHandlers {
  received(frame: IncomingFrame): void;
  failed(error: RollcallError): void;
  /** Every raw text frame, either way. */
  passed(direction: "in" | "out", text: string): void;
  /** Once, and last; never after `drop`. */
  lost(loss: Loss): void;
}

/** One attempt to be connected, from fetching a token to the loss of its one socket. */
export class Link {
  readonly #settings: Settings;
  #handlers: LinkHandlers | undefined;
  #socket: OpenSocket | undefined;
  #heartbeat: Heartbeat | undefined;
  #closing: ClosingFrame | undefined;
  #tried: RefusedAttempt | undefined;
  #cancelDeadline: () => void;

  /** `withinMs` is how long token, socket and welcome may take together. */
  constructor(
    settings: Settings,
    handlers: LinkHandlers,
    { position, withinMs }: { position: Position | undefined; withinMs: number },
  ) {
    this.#settings = settings;
    this.#handlers = handlers;
    this.#cancelDeadline = settings.timers.after(withinMs, () => void this.#loseUnopened());
    void this.#open(position);
  }

  /** Hands one text frame to the socket. Only once welcomed. */
  send(text: string): void {
    if (this.#socket === undefined) return;
    this.#handlers?.passed("out", text);
    this.#socket.send(text);
  }

  /** Checks now that the other side is there. */
  check(): void {
    this.#heartbeat?.beat();
  }

  /** Ends it from this side; no handler is called any more. */
  drop(code: number, reason: string): void {
    this.#handlers = undefined;
    this.#heartbeat?.stop();
    this.#cancelDeadline();
    this.#socket?.drop(code, reason);
    this.#socket = undefined;
  }

  /** Resolves when the socket is on its way; every failure ends in `lost`. */
  async #open(position: Position | undefined): Promise<void> {
    const token = await this.#fetchToken();
    if (token === undefined || this.#handlers === undefined) return;
    if (!looksLikeToken(token)) {
      return this.#lose({
        code: ABNORMAL,
        reason: "the token is not a signed JWT",
        refused: "token_invalid",
      });
    }
    const { base, channel, device, rewind } = this.#settings;
    const address = connectAddress({ base, channel, device, position, rewind });
    const socketAddress = { url: webSocketAddress(address), protocols: subprotocols(token) };
    this.#tried = { address, token };
    let opened = false;
    try {
      const Socket = await socketOf(this.#settings);
      if (this.#handlers === undefined) return;
      this.#socket = openSocket(Socket, socketAddress, {
        opened: () => {
          opened = true;
        },
        received: (data) => this.#receive(data),
        closed: (code, reason) => {
          this.#socket = undefined;
          if (opened) this.#lose({ code, reason });
          else void this.#loseUnopened();
        },
      });
    } catch (error) {
      this.#lose({ code: ABNORMAL, reason: String(error) });
    }
  }

  async #fetchToken(): Promise<string | undefined> {
    const { token } = this.#settings;
    try {
      return typeof token === "string" ? token : await token();
    } catch (cause) {
      this.#handlers?.failed(new RollcallError("token_unavailable", "the token function failed", { cause }));
      this.#lose({ code: ABNORMAL, reason: "no token" });
      return undefined;
    }
  }

  /** No welcome came of it. Resolves when it is known why, as far as it can be. */
  async #loseUnopened(): Promise<void> {
    this.#cancelDeadline();
    this.#socket?.drop(1000, "");
    this.#socket = undefined;
    if (this.#tried === undefined) return this.#lose({ code: ABNORMAL, reason: "no token in time" });
    const { way } = this.#settings;
    const { isOpen, ...why } = await askWhy(this.#settings, this.#tried);
    // Over streams too nothing comes of it: WebSockets have their turn again.
    if (isOpen) way.blocked = way.blocked === BLOCKED_AFTER ? 0 : way.blocked + 1;
    this.#lose({ code: ABNORMAL, ...why });
  }

  #receive(data: unknown): void {
    this.#heartbeat?.heard();
    const text = typeof data === "string" ? data : "";
    this.#handlers?.passed("in", text);
    if (text === "pong") return;
    const frames = readFrames(text);
    if (frames === undefined) {
      const what = "the server sent neither a message nor an array of messages";
      this.#handlers?.failed(new RollcallError("bad_frame", what));
      return;
    }
    for (const frame of frames) {
      if (frame.type === "welcome") this.#welcomed(frame);
      else if (frame.type === "probe") this.send(JSON.stringify({ type: "heartbeat", n: frame.n }));
      else if (frame.type === "closing") this.#expectClose(frame);
      this.#handlers?.received(frame);
    }
  }

  #welcomed({ heartbeat }: WelcomeFrame): void {
    this.#cancelDeadline();
    const { way } = this.#settings;
    way.blocked = way.blocked < BLOCKED_AFTER ? 0 : Number.POSITIVE_INFINITY; // what works is stayed with
    this.#heartbeat?.stop();
    this.#heartbeat = new Heartbeat({
      timers: this.#settings.timers,
      intervalMs: heartbeat.intervalSeconds * 1000,
      ping: () => this.send("ping"),
      missed: () => this.#lose({ code: CLOSE.heartbeatTimeout, reason: "no answer to a ping" }),
    });
  }

  #expectClose(closing: ClosingFrame): void {
    this.#closing = closing;
    this.#cancelDeadline();
    this.#cancelDeadline = this.#settings.timers.after(CLOSE_WITHIN_MS, () =>
      this.#lose({ code: closing.code, reason: closing.reason }),
    );
  }

  #lose(loss: Loss): void {
    const handlers = this.#handlers;
    if (handlers === undefined) return;
    // A browser may be told to close with 1000 and 3000-4999 only.
    this.drop(mayReconnect(loss.code) && loss.code >= 4000 ? loss.code : 1000, "");
    handlers.lost(this.#closing === undefined ? loss : explained(loss, this.#closing));
  }
}

/** What the server said before it closed counts, also where the close itself came without a code. */
function explained(loss: Loss, { code, reason, retryAfterMs }: ClosingFrame): Loss {
  return { ...loss, code, reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
