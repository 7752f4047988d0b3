import { connect, type Socket } from "node:net";
import { now } from "./clock.ts";

/** How one client connects. */
export interface Target {
  path: string;
  headers: string[];
}

/** How all clients of one crowd connect. */
export interface Manners {
  port: number;
  /** What is in the bytes once the server has let the client in; the upgrade itself where nothing is named. */
  readyOn?: string;
  /** Frames to be said right after the upgrade. */
  hello: string[];
}

/** Node reads into this one place for all sockets: nothing is allocated for what is only counted. */
const SHARED = Buffer.allocUnsafe(256 * 1024);
const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

/** One WebSocket client on a bare TCP socket: it upgrades, says hello, and hands on whatever bytes come. */
export class CrowdSocket {
  readonly opened: Promise<number>;
  readonly #tcp: Socket;
  readonly #onBytes: (bytes: Buffer) => void;
  readonly #settle: { resolve: (ms: number) => void; reject: (cause: Error) => void };
  readonly #startedAt = now();
  #state: "upgrading" | "entering" | "open" = "upgrading";
  #heard = Buffer.alloc(0);
  readonly #manners: Manners;
  readonly #hello: Buffer[];
  isClosed = false;

  constructor(target: Target, manners: Manners, hello: Buffer[], onBytes: (bytes: Buffer) => void) {
    this.#manners = manners;
    this.#hello = hello;
    this.#onBytes = onBytes;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.opened = promise;
    this.#settle = { resolve, reject };
    this.#tcp = connect({
      port: manners.port,
      host: "127.0.0.1",
      noDelay: true,
      onread: {
        buffer: SHARED,
        callback: (length: number) => {
          this.#bytes(SHARED.subarray(0, length));
          return true;
        },
      },
    });
    const lost = (cause?: Error | boolean) => {
      this.isClosed = true;
      reject(cause instanceof Error ? cause : new Error("closed before it was let in"));
    };
    this.#tcp.on("error", lost);
    this.#tcp.on("close", lost);
    const upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", KEY];
    const lines = [`GET ${target.path} HTTP/1.1`, "Host: 127.0.0.1", ...upgrade, ...target.headers];
    this.#tcp.write(`${lines.join("\r\n")}\r\n\r\n`);
  }

  write(bytes: Buffer): void {
    if (!this.isClosed) this.#tcp.write(bytes);
  }

  /** Says this last, if anything, and lets go. */
  end(last?: Buffer): void {
    this.isClosed = true;
    if (last === undefined) this.#tcp.destroy();
    else this.#tcp.end(last, () => this.#tcp.destroySoon());
  }

  #bytes(bytes: Buffer): void {
    if (this.#state === "open") return this.#onBytes(bytes);
    this.#heard = Buffer.concat([this.#heard, bytes]);
    if (this.#state === "upgrading") this.#upgraded();
    if (this.#state === "entering") this.#entered();
  }

  #upgraded(): void {
    const end = this.#heard.indexOf("\r\n\r\n");
    if (end === -1) return;
    const status = this.#heard.toString("latin1", 9, 12);
    if (status !== "101") {
      this.#settle.reject(new Error(`refused: ${this.#heard.toString("latin1").slice(0, 400)}`));
      return this.end();
    }
    this.#heard = this.#heard.subarray(end + 4);
    this.#state = "entering";
    for (const frame of this.#hello) this.#tcp.write(frame);
  }

  #entered(): void {
    const { readyOn } = this.#manners;
    if (readyOn !== undefined && !this.#heard.includes(readyOn)) return;
    this.#state = "open";
    this.#settle.resolve(now() - this.#startedAt);
    const rest = this.#heard;
    this.#heard = Buffer.alloc(0);
    if (rest.length > 0) this.#onBytes(rest);
  }
}
