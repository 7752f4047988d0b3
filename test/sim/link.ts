import { MAX_CLOSE_REASON_BYTES } from "../../src/protocol/limits.ts";
import { truncateUtf8 } from "../../src/protocol/utf8.ts";
import type { Fault } from "./fault-table.ts";
import type { Nature } from "./nature.ts";
import { ServerSocket } from "./server-socket.ts";
import type { SimulatedObject } from "./simulated-object.ts";

/** The client's end of a connection: what it notices. */
export interface Peer {
  opened(): void;
  /** The upgrade was not answered with a socket; `code` is missing where the server broke off. */
  refused(code: string | undefined): void;
  received(text: string): void;
  closed(code: number, reason: string): void;
}

/** The object's end: who is told what the client did. */
export interface LinkEnd {
  readonly object: SimulatedObject;
  received(socket: ServerSocket, text: string, from: string): Promise<void>;
  closed(socket: ServerSocket, how: string): Promise<void>;
}

/** Workerd waits so long for a client that does not answer a close (platform notes, 0.2). */
const CLOSE_HANDSHAKE_MS = 10_000;

/**
 * One WebSocket between a client and an object, with a latency of its own. What either end sends arrives in
 * order; what is on its way when the connection is cut is lost.
 */
export class Link {
  readonly #nature: Nature;
  readonly #peer: Peer;
  readonly latencyMs: number;
  readonly #name: string;
  #end: LinkEnd | undefined;
  #server: ServerSocket | undefined;
  /** `gone`: closed or terminated, it knows; `silent`: it vanished, and nobody was told. */
  #client: "waiting" | "open" | "silent" | "gone" = "waiting";
  /** Sent before the upgrade was answered. */
  #early: string[] = [];

  constructor(nature: Nature, peer: Peer, name: string) {
    this.#nature = nature;
    this.#peer = peer;
    this.#name = name;
    this.latencyMs = nature.random.between(1, 40);
  }

  /** Both ends hold on to it: the client is there, and the keeper has not let go. */
  get isLive(): boolean {
    return this.#client === "open" && this.#server?.state === "open";
  }

  get isAccepted(): boolean {
    return this.#server !== undefined;
  }

  /** Who keeps it; undefined until it was accepted. */
  get keeper(): SimulatedObject | undefined {
    return this.#end?.object;
  }

  // The object's side.

  accept(end: LinkEnd): ServerSocket {
    if (this.#server !== undefined) throw new Error("one request is accepted once");
    this.#end = end;
    this.#server = new ServerSocket(this);
    if (this.#client === "gone") this.#soon(() => this.#serverLearnsOfEnd("after it had given up"));
    return this.#server;
  }

  /** The upgrade was answered: the client has its socket, and what was sent before. */
  open(): void {
    this.#soon(() => {
      if (this.#client !== "waiting") return;
      this.#client = "open";
      this.#peer.opened();
      for (const text of this.#early.splice(0)) this.#peer.received(text);
    });
  }

  refuse(code: string | undefined): void {
    this.#soon(() => this.#clientIsRefused(code));
  }

  toClient(text: string): void {
    this.#nature.journal.detail(() => `  to ${this.#name}: ${text}`);
    this.#soon(() => {
      if (this.#client === "waiting") this.#early.push(text);
      else if (this.#client === "open") this.#peer.received(text);
    });
  }

  /** The server has closed; its object hears `closed` when the client answers, or the platform waited enough. */
  closeFromServer(code: number, reason: string): void {
    const late = this.#client === "silent" || this.#nature.random.chance(0.2);
    const cut = truncateUtf8(reason, MAX_CLOSE_REASON_BYTES);
    this.#soon(() => this.#clientLearnsOfEnd(code, cut));
    this.#nature.scheduler.after(late ? CLOSE_HANDSHAKE_MS : 2 * this.latencyMs, () =>
      this.#serverLearnsOfEnd("after the server's close"),
    );
  }

  /** Crash or deploy: the object is told nothing. */
  cut(): void {
    if (this.#server !== undefined) this.#server.state = "gone";
    if (this.#client === "open") this.#count("connection cut");
    // What is on its way may still arrive, or be lost with the connection.
    const delay = this.#nature.random.pick([0, this.latencyMs]) ?? 0;
    this.#nature.scheduler.after(delay, () => this.#clientLearnsOfEnd(1006, ""));
  }

  // The client's side.

  send(text: string): void {
    if (this.#client !== "open") return;
    this.#soon(() => {
      const server = this.#server;
      if (server?.state !== "open") return;
      if (text === "ping") return this.#autoRespond(server);
      return this.#end?.received(server, text, this.#name);
    });
  }

  close(): void {
    if (this.#client === "open" || this.#client === "waiting") this.#leave("closed by the client");
  }

  /** The client's end breaks: the server notices, though nobody said goodbye. */
  terminate(): void {
    if (this.#client === "open" || this.#client === "waiting") this.#leave("terminated");
  }

  /** No more words, no answers, and the server's socket stays open. */
  vanish(): void {
    if (this.#client === "gone") return;
    if (this.#client === "open") this.#count("client vanished");
    this.#client = "silent";
  }

  #leave(how: string): void {
    this.#client = "gone";
    this.#soon(() => this.#serverLearnsOfEnd(how));
  }

  /** The platform answers by itself: nobody is woken. */
  #autoRespond(server: ServerSocket): void {
    server.pingedAt = this.#nature.scheduler.now;
    this.toClient("pong");
  }

  #clientIsRefused(code: string | undefined): void {
    if (this.#client !== "waiting") return;
    this.#client = "gone";
    this.#peer.refused(code);
  }

  /** Before the upgrade was answered, a broken connection is a broken request. */
  #clientLearnsOfEnd(code: number, reason: string): void {
    if (this.#client === "waiting") this.#clientIsRefused(undefined);
    if (this.#client !== "open") return;
    this.#client = "gone";
    this.#peer.closed(code, reason);
  }

  #serverLearnsOfEnd(how: string): void | Promise<void> {
    const server = this.#server;
    if (server === undefined || server.state === "gone") return;
    server.state = "closing";
    return this.#end?.closed(server, `${this.#name} ${how}`);
  }

  #count(fault: Fault): void {
    if (this.#end !== undefined) this.#nature.faults.count(fault, this.#end.object.kind);
  }

  #soon(happening: () => void | Promise<void>): void {
    this.#nature.scheduler.after(this.latencyMs, happening);
  }
}
