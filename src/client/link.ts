import { type CLOSE, mayReconnect } from "../protocol/close-codes.ts";
import type { ClosingFrame, WelcomeFrame } from "../protocol/server-frames.ts";
import { connectAddress, looksLikeToken, type Position, subprotocols, webSocketAddress } from "./address.ts";
import type { Emit } from "./connection-events.ts";
import { RollcallError } from "./errors.ts";
import { type IncomingFrame, readFrames } from "./frames.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Settings } from "./settings.ts";
import { type OpenSocket, openSocket } from "./socket.ts";
import type { Loss } from "./state.ts";
import { tokenOf } from "./token.ts";
import { noteBlocked, noteWelcome, socketOf } from "./transport.ts";

/** After `closing` the close itself follows at once, or never. */
const CLOSE_WITHIN_MS = 1_000;
/** `CLOSE.heartbeatTimeout`, without the table, which is long. */
const HEARTBEAT_TIMEOUT: (typeof CLOSE)["heartbeatTimeout"] = 4002;
/** No close was received. */
const ABNORMAL = 1006;

export interface LinkHandlers {
  received(frame: IncomingFrame): void;
  /** Errors, and every raw text frame. */
  emit: Emit;
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
  #tried: { address: URL; token: string } | undefined;
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
    this.#passed("out", text);
    this.#socket.send(text);
  }

  /** Whether what is said now would leave late. */
  get isCongested(): boolean {
    return this.#socket?.isCongested === true;
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
    const token = await tokenOf(this.#settings.token).catch((error: RollcallError) => {
      this.#handlers?.emit("error", error);
      this.#lose({ code: ABNORMAL, reason: "no token" });
    });
    if (token === undefined || this.#handlers === undefined) return;
    if (!looksLikeToken(token)) {
      return this.#lose({
        code: ABNORMAL,
        reason: "not a signed JWT",
        refused: "token_invalid",
      });
    }
    const address = connectAddress({ ...this.#settings, position });
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

  /**
   * No welcome came of it. Resolves when it is known why, as far as it can be: what asks is loaded only now, and not
   * where the browser knows that it is offline, because some remember for ever that a module could not be loaded.
   */
  async #loseUnopened(): Promise<void> {
    this.#cancelDeadline();
    this.#socket?.drop(1000, "");
    const settings = this.#settings;
    const renewable = typeof settings.token === "function";
    const tried =
      (globalThis as { navigator?: { onLine?: boolean } }).navigator?.onLine === false
        ? undefined
        : this.#tried;
    const asking =
      tried && import("./ask-why.ts").then(({ askWhy }) => askWhy({ ...settings, ...tried, renewable }));
    const why = await asking?.catch(() => undefined); // not loaded: no reason to be had
    if (why?.isOpen) noteBlocked(settings);
    this.#lose({ code: ABNORMAL, reason: "no token", ...why });
  }

  #passed(direction: "in" | "out", text: string): void {
    this.#handlers?.emit("frame", { direction, text, at: this.#settings.timers.now() });
  }

  #receive(data: unknown): void {
    this.#heartbeat?.heard();
    const text = typeof data === "string" ? data : "";
    this.#passed("in", text);
    if (text === "pong") return;
    const frames = readFrames(text);
    if (frames === undefined) {
      this.#handlers?.emit("error", new RollcallError("bad_frame", "not a message"));
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
    noteWelcome(this.#settings);
    this.#heartbeat?.stop();
    this.#heartbeat = new Heartbeat({
      timers: this.#settings.timers,
      intervalMs: heartbeat.intervalSeconds * 1000,
      ping: () => this.send("ping"),
      missed: () => this.#lose({ code: HEARTBEAT_TIMEOUT, reason: "no answer" }),
    });
  }

  #expectClose(closing: ClosingFrame): void {
    this.#closing = closing;
    this.#cancelDeadline();
    this.#cancelDeadline = this.#settings.timers.after(CLOSE_WITHIN_MS, () => this.#lose(closing));
  }

  #lose(loss: Loss): void {
    const handlers = this.#handlers;
    if (handlers === undefined) return;
    // A browser may be told to close with 1000 and 3000-4999 only.
    this.drop(mayReconnect(loss.code) && loss.code >= 4000 ? loss.code : 1000, "");
    // What the server said before it closed counts, also where the close itself came without a code.
    handlers.lost({ ...loss, ...this.#closing });
  }
}
