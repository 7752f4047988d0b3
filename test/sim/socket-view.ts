import type { Socket } from "../../src/objects/ports.ts";
import type { Instance } from "./instance.ts";
import type { ServerSocket } from "./server-socket.ts";

/** RFC 6455, section 7.4.1: codes that only a broken connection has, and that `close` refuses. */
const NEVER_SENT: ReadonlySet<number> = new Set([1004, 1005, 1006, 1015]);

/** A socket as one instance sees it: each instance has its own, so none can rely on one from before its sleep. */
export class SocketView implements Socket {
  readonly server: ServerSocket;
  readonly #instance: Instance;

  constructor(instance: Instance, server: ServerSocket) {
    this.#instance = instance;
    this.server = server;
  }

  get attachment(): string {
    return this.server.attachment;
  }

  attach(text: string): void {
    this.server.attach(text);
  }

  send(text: string): void {
    if (this.server.state === "gone") return;
    // What was sent before a close of ours still leaves before it, and nothing after it.
    if (this.server.closedByUs) return;
    this.#instance.leave(() => this.server.link.toClient(text));
  }

  close(code: number, reason: string): void {
    if (code < 1000 || code > 4999 || NEVER_SENT.has(code)) throw new Error(`nobody may send ${code}`);
    if (this.server.state === "gone" || this.server.closedByUs) return;
    this.server.closedByUs = true;
    this.server.state = "closing";
    this.#instance.leave(() => this.server.link.closeFromServer(code, reason));
  }

  pingedAt(): number | null {
    return this.server.pingedAt;
  }
}
