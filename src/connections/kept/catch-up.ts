import type { Duty } from "../../objects/due-times.ts";
import type { Clock, Timers } from "../../objects/ports.ts";
import type { ClientFrame } from "../../protocol/client-frames.ts";
import type { Connection } from "../connection.ts";
import type { Connections } from "../connections.ts";

/** Rows read in one turn, whoever they are for; 100 more in the turn of a welcome. */
const ROWS_PER_TURN = 400;
/** What one socket may have been sent without being known to have read it. One message may exceed it. */
const MAX_UNREAD_BYTES = 1_048_576;
/** Other events of the object come in between two turns. */
const PAUSE_MS = 1;
/** After sleep, and for who answers with `ping` and so wakes nobody. */
const LOOK_AGAIN_MS = 5000;

/** The next of what one socket missed, as text frames. */
export interface FramedPiece {
  frames: readonly string[];
  /** The last offset that it holds or passes over. */
  offset: number;
  bytes: number;
  /** Nothing comes after it: the socket is live from here on. */
  isLast: boolean;
}

/** A page that is not here yet. */
export const LATER = Symbol("later");

/** Where pages come from. */
export interface Pages {
  /**
   * What comes after this offset, by at most so many rows and bytes; undefined where not all of it can be had any
   * more, `LATER` where it can in a while: then `again` says when to ask once more.
   */
  after(
    connection: Connection,
    offset: number,
    most: { rows: number; bytes: number },
  ): FramedPiece | undefined | typeof LATER;
}

/** What a keeper does about a connection. */
export interface CatchUpRules {
  /** The log no longer holds what comes next: a gap would follow, so the client has to begin anew. */
  lost(connection: Connection): void;
  /** There is something to do since now. */
  due(): void;
}

/**
 * Connections that read what they missed, page by page, and hear nothing new until they have reached the top:
 * then they are live, in the same turn, so that no message comes between. Where each stands is in its
 * attachment. One that was sent a lot is asked whether it has read it, and gets more once it answers: with the
 * `probe` that finds the dead anyway.
 */
export class CatchUp implements Duty {
  readonly name = "catch-up";
  readonly #ports: { clock: Clock; timers: Timers };
  readonly #pages: Pages;
  readonly #connections: Connections;
  readonly #rules: CatchUpRules;
  /** The next to be served first. */
  readonly #behind = new Set<Connection>();
  /** Those whose next page is not here yet. */
  readonly #awaiting = new Set<Connection>();
  #isTicking = false;
  #lookAgainAt: number;

  constructor(
    ports: { clock: Clock; timers: Timers },
    of: { pages: Pages; connections: Connections },
    rules: CatchUpRules,
  ) {
    this.#ports = ports;
    this.#pages = of.pages;
    this.#connections = of.connections;
    this.#rules = rules;
    for (const connection of of.connections.all()) {
      if (connection.state.catchUp !== null) this.#behind.add(connection);
    }
    this.#lookAgainAt = ports.clock.now();
  }

  /** Those who hear nothing new: they will read it when they get there. */
  get behind(): ReadonlySet<Connection> {
    return this.#behind;
  }

  /** This connection has everything up to `offset`, and hears nothing new before it has the rest. */
  begin(connection: Connection, offset: number, bytes = 0): void {
    const { catchUp } = connection.state;
    connection.update({
      catchUp: { offset, bytes: bytes + (catchUp?.bytes ?? 0), askedAt: catchUp?.askedAt ?? null },
    });
    this.#behind.add(connection);
    this.#awaiting.delete(connection);
  }

  /** Sends as much as one turn may; the rest follows by itself. */
  go(connection: Connection): void {
    if (this.#isReady(connection)) this.#serve(connection);
    if (connection.state.catchUp !== null) this.#later();
  }

  /** What came after `offset` could not be sent to it: it reads it from the log, a moment later. */
  fallBehind(connection: Connection, offset: number): void {
    this.begin(connection, offset);
    this.#later();
  }

  /** It needs nothing of the log, or not from where it stood. */
  stop(connection: Connection): void {
    this.#awaiting.delete(connection);
    if (!this.#behind.delete(connection)) return;
    connection.update({ catchUp: null });
  }

  /** A frame of the client; an answer to our question lets it go on. */
  heard(connection: Connection, frame: ClientFrame): void {
    const { catchUp } = connection.state;
    if (frame.type !== "heartbeat" || frame.n === undefined) return;
    if (catchUp === null || catchUp.askedAt === null || frame.n < catchUp.askedAt) return;
    connection.update({ catchUp: { ...catchUp, bytes: 0, askedAt: null } });
    this.go(connection);
  }

  /** The next page of this connection may be here. */
  again(connection: Connection): void {
    if (this.#awaiting.delete(connection)) this.#tickSoon();
  }

  /** Those of all connections may be. */
  againAll(): void {
    if (this.#awaiting.size === 0) return;
    this.#awaiting.clear();
    this.#tickSoon();
  }

  nextAt(): number | null {
    return this.#behind.size === 0 ? null : this.#lookAgainAt;
  }

  run(now: number): void {
    this.#lookAgainAt = now + LOOK_AGAIN_MS;
    this.#awaiting.clear();
    this.#tick();
  }

  #later(): void {
    if (this.#behind.size === 1) this.#lookAgainAt = this.#ports.clock.now() + LOOK_AGAIN_MS;
    this.#tickSoon();
    this.#rules.due();
  }

  #tickSoon(): void {
    if (this.#isTicking || this.#nextReady() === undefined) return;
    this.#isTicking = true;
    this.#ports.timers.after(PAUSE_MS, () => {
      this.#isTicking = false;
      this.#tick();
    });
  }

  #tick(): void {
    const connection = this.#nextReady();
    if (connection === undefined) return;
    this.#behind.delete(connection); // to the end of the row, if it stays behind
    this.#behind.add(connection);
    this.#serve(connection);
    this.#tickSoon();
  }

  #forget(connection: Connection): void {
    this.#behind.delete(connection);
    this.#awaiting.delete(connection);
  }

  #nextReady(): Connection | undefined {
    for (const connection of this.#behind) {
      if (this.#connections.find(connection.session) !== connection) this.#forget(connection);
      else if (this.#isReady(connection)) return connection;
    }
    return undefined;
  }

  /** Its page is not awaited, and it was not asked, or has said `ping` since. */
  #isReady(connection: Connection): boolean {
    if (this.#awaiting.has(connection)) return false;
    const { catchUp } = connection.state;
    if (catchUp === null || catchUp.askedAt === null) return true;
    if ((connection.socket.pingedAt() ?? 0) < catchUp.askedAt) return false;
    connection.update({ catchUp: { ...catchUp, bytes: 0, askedAt: null } });
    return true;
  }

  #serve(connection: Connection): void {
    const { catchUp } = connection.state;
    if (catchUp === null) return;
    const most = { rows: ROWS_PER_TURN, bytes: MAX_UNREAD_BYTES - catchUp.bytes };
    const piece = this.#pages.after(connection, catchUp.offset, most);
    if (piece === LATER) {
      this.#awaiting.add(connection);
      return;
    }
    if (piece === undefined) {
      this.#behind.delete(connection);
      this.#rules.lost(connection);
      return;
    }
    for (const frame of piece.frames) connection.tell(frame);
    if (piece.isLast) return this.stop(connection);
    const bytes = catchUp.bytes + piece.bytes;
    connection.update({ catchUp: { offset: piece.offset, bytes, askedAt: null } });
    if (bytes >= MAX_UNREAD_BYTES * 0.9) this.#ask(connection);
  }

  #ask(connection: Connection): void {
    const { catchUp } = connection.state;
    const now = this.#ports.clock.now();
    if (catchUp === null) return;
    connection.update({ catchUp: { ...catchUp, askedAt: now } });
    connection.ask(now);
  }
}
