import { type Settings, settingsOf } from "../config.ts";
import type { Claims } from "../protocol/claims.ts";
import type { Refusal } from "../protocol/codes.ts";
import { MAX_CLOSE_REASON_BYTES } from "../protocol/limits.ts";
import { truncateUtf8 } from "../protocol/utf8.ts";
import { log } from "./log.ts";
import type { Keeper, Log, Ports, Socket, SqlValue } from "./ports.ts";
import { refusedResponse } from "./refused.ts";
import { unseal } from "./sealed.ts";
import { objectsOf } from "./stubs.ts";

/** How long an object that could not wake waits for its next try. */
const NOT_AWAKE_RETRY_MS = 60_000;
const HIGHEST_CLOSE_CODE = 4999;
/** RFC 6455, section 7.4.1: "no status" is said by sending none. */
const NO_STATUS = 1005;
const ABNORMAL = 1006;

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
  #alarmAt: number | null = null;
  readonly #wake: () => K;
  #keeper: K | undefined;
  /** Woken without an alarm stored, and nothing has come yet: if an alarm comes now, it is what woke us. */
  #isWokenByAlarm = false;

  constructor(
    ctx: DurableObjectState,
    env: Env,
    wake: (ports: Ports, settings: Settings, name: string) => K,
    verify: VerifyToken,
  ) {
    this.#ctx = ctx;
    // Lost on reset, so set on every wake-up; the platform then answers `ping` without waking anybody.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    this.#wake = () => {
      const settings = settingsOf(env);
      return wake(this.#ports(env, settings, verify), settings, nameOf(ctx));
    };
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = await ctx.storage.getAlarm();
      this.#isWokenByAlarm = this.#alarmAt === null;
      try {
        this.#keeper = this.#wake();
      } catch (cause) {
        // To throw here would cut every socket, and a few times in an alarm would lose the alarm for good. The
        // next event tries again: a bad setting may have been mended, a full storage emptied.
        log.warn("not awake", {}, cause);
      }
    });
  }

  get keeper(): K {
    this.#isWokenByAlarm = false;
    this.#keeper ??= this.#wake();
    return this.#keeper;
  }

  #keeperIfAwake(): K | undefined {
    try {
      return this.keeper;
    } catch (cause) {
      log.warn("still not awake", {}, cause);
      return undefined;
    }
  }

  /** A WebSocket upgrade that the Worker sealed. */
  async fetch(request: Request): Promise<Response> {
    const pair = new WebSocketPair();
    const refused = await this.keeper.connect(unseal(request), () => {
      this.#ctx.acceptWebSocket(pair[1]);
      return this.#wrap(pair[1]);
    });
    if (refused !== undefined) return refusedResponse(refused);
    return new Response(null, { status: 101, webSocket: pair[0] });
  }

  async message(webSocket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    await this.keeper.received(this.#wrap(webSocket), data);
  }

  /**
   * The close handshake is answered here: for hibernating sockets the platform does not, on any
   * compatibility date, and the client would wait ten seconds and see 1006.
   */
  close(webSocket: WebSocket, code: number, reason: string): void {
    this.keeper.closed(this.#wrap(webSocket));
    if (code !== ABNORMAL) this.#wrap(webSocket).close(code, reason);
  }

  /** Terminal: no close event follows (a frame over 32 MiB ends here). */
  error(webSocket: WebSocket): void {
    this.keeper.closed(this.#wrap(webSocket));
  }

  /**
   * By now the platform has forgotten the alarm that fired. What the wake-up itself set since then stands:
   * to set it again would cost a row at every sweep of a sleeping object.
   */
  alarm(): void {
    if (!this.#isWokenByAlarm) this.#alarmAt = null;
    const keeper = this.#keeperIfAwake();
    if (keeper !== undefined) keeper.alarm();
    else void this.#ctx.storage.setAlarm(Date.now() + NOT_AWAKE_RETRY_MS); // six throws, and it would be gone
  }

  #ports(env: Env, settings: Settings, verify: VerifyToken): Ports {
    const { storage } = this.#ctx;
    const background = (work: Promise<unknown>) => this.#ctx.waitUntil(work);
    return {
      clock: { now: () => Date.now() },
      random: { id: randomId },
      sql: {
        all: <Row>(query: string, ...values: SqlValue[]) =>
          storage.sql.exec(query, ...values).toArray() as Row[],
        run: (query, ...values) => void storage.sql.exec(query, ...values).toArray(),
        transaction: (work) => storage.transactionSync(work),
      },
      alarm: {
        at: () => this.#alarmAt,
        set: (at) => {
          this.#alarmAt = at;
          void storage.setAlarm(at); // the output gate holds everything back until it is durable
        },
      },
      sockets: { open: () => this.#open() },
      timers: { after: (ms, run) => void setTimeout(run, ms) },
      background: { run: background },
      objects: objectsOf(env),
      tokens: { verify: (token) => verify(token, settings, Date.now(), { background, warn: log.warn }) },
      log,
    };
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
    if (this.#webSocket.readyState !== WebSocket.OPEN) return; // after our own close the platform would throw
    this.#webSocket.send(text);
  }

  close(code: number, reason: string): void {
    if (this.#webSocket.readyState === WebSocket.CLOSED) return;
    if (code === NO_STATUS || code < 1000 || code > HIGHEST_CLOSE_CODE) this.#webSocket.close();
    else this.#webSocket.close(code, truncateUtf8(reason, MAX_CLOSE_REASON_BYTES));
  }

  pingedAt(): number | null {
    return this.#ctx.getWebSocketAutoResponseTimestamp(this.#webSocket)?.getTime() ?? null;
  }
}

/** Objects are found by name only (`stubs.ts`), so the name is always known, in alarms too. */
function nameOf(ctx: DurableObjectState): string {
  if (ctx.id.name === undefined) throw new Error("an object without a name");
  return ctx.id.name;
}

/** 128 random bits as 22 characters of base64url. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .slice(0, 22);
}
