import type { Settings } from "../config.ts";
import { Silences, type Tally } from "../objects/activity.ts";
import type { LocationHint } from "../objects/placement.ts";
import type { Clock, ConnectRequest, EndReason, Socket, Sockets, Timers } from "../objects/ports.ts";
import { CLOSE, type CloseCode, mayReconnect } from "../protocol/close-codes.ts";
import type { ClosingFrame } from "../protocol/server-frames.ts";
import { glanceAt, readAttachment } from "./attachment.ts";
import { Connection } from "./connection.ts";
import { judge } from "./heartbeat.ts";
import { ENTRIES_OF_SUBSCRIBE, type Incoming, readFrame } from "./incoming.ts";
import { latestSignals } from "./latest-signals.ts";
import { Rates } from "./rates.ts";
import { Sender, type SenderRules, type Telling } from "./sender.ts";

/** What a client is asked to wait where it may come back at once; its own jitter spreads the return. */
const TRY_AGAIN_AFTER_MS = 1000;

/** A connection that this keeper has ended, and why. */
export interface Ended {
  connection: Connection;
  reason: EndReason;
}

/**
 * The sockets of one keeper: an index over what the platform holds, rebuilt on every wake-up, so that
 * sleeping and waking change nothing that anybody can see.
 */
export class Connections {
  readonly #clock: Clock;
  readonly #tally: Tally;
  readonly #settings: Settings;
  readonly #entriesOfSubscribe: number;
  readonly #sender: Sender;
  readonly #rates: Rates;
  /** Those that still read what they missed, as they were found on wake-up. */
  readonly behindOnWake: Connection[] = [];
  readonly #bySocket = new Map<Socket, Connection>();
  readonly #bySession = new Map<string, Connection>();

  /** `entriesOfSubscribe`: what one `subscribe` may have read at once. */
  constructor(
    ports: { sockets: Sockets; clock: Clock; timers: Timers; tally: Tally },
    settings: Settings,
    rules: SenderRules,
    entriesOfSubscribe: number = ENTRIES_OF_SUBSCRIBE,
  ) {
    this.#clock = ports.clock;
    this.#tally = ports.tally;
    this.#settings = settings;
    this.#entriesOfSubscribe = entriesOfSubscribe;
    this.#sender = new Sender(ports, this, rules);
    this.#rates = new Rates(ports.clock, settings);
    for (const socket of ports.sockets.open()) {
      const glance = glanceAt(socket.attachment);
      if (glance === undefined) this.#recall(socket);
      else this.#woken(new Connection(socket, glance.session, this.#sender), glance.isBehind);
    }
  }

  get size(): number {
    return this.#bySocket.size;
  }

  all(): Iterable<Connection> {
    return this.#bySocket.values();
  }

  of(socket: Socket): Connection | undefined {
    return this.#bySocket.get(socket);
  }

  find(session: string): Connection | undefined {
    return this.#bySession.get(session);
  }

  /** Where the client of the oldest connection is of which that is known. */
  oldestHint(): LocationHint | undefined {
    let oldest: Connection | undefined;
    for (const connection of this.#bySocket.values()) {
      const { hint, connectedAt } = connection.state;
      if (hint !== undefined && connectedAt < (oldest?.state.connectedAt ?? Infinity)) oldest = connection;
    }
    return oldest?.state.hint;
  }

  /** Takes a fresh socket into the index, with its attachment. */
  open(socket: Socket, session: string, request: ConnectRequest): Connection {
    const now = this.#clock.now();
    const { device, claims, hint } = request;
    const times = { connectedAt: now, heardAt: now, probedAt: null, activeAt: now };
    const state = {
      session,
      device,
      claims,
      ...times,
      isActivityUntold: false,
      catchUp: null,
      subscriptions: "",
      resume: null,
      sentSeq: 0,
      broadcasts: [],
      ...(hint && { hint }),
    };
    const connection = new Connection(socket, session, this.#sender, state);
    connection.update({});
    this.#add(connection);
    this.#sender.opened(connection);
    return connection;
  }

  /** Forgets a connection whose socket is gone. */
  drop(connection: Connection): void {
    this.#bySocket.delete(connection.socket);
    this.#bySession.delete(connection.session);
    this.#sender.forget(connection);
  }

  /** Tells everybody but some, with one encoding for all. */
  tellAll(text: string, telling?: Telling): void {
    this.#sender.tellAll(text, telling);
  }

  /** Says why, closes, forgets: from here on its session is over, whenever the close event comes. */
  end(connection: Connection, code: CloseCode, reason: string): void {
    this.#sender.flush(connection);
    if (code === CLOSE.flooding) this.#rates.flooded(connection);
    closeWithWord(connection.socket, code, reason, this.#retryAfterMs(code));
    this.#tally.count("frames out");
    this.drop(connection);
  }

  /** One frame of a client: its good messages, after the bad ones were answered; or the connection's end. */
  read(connection: Connection, data: string | ArrayBuffer): Incoming {
    connection.heard(this.#clock.now(), this.#ttlMs);
    const now = this.#clock.now();
    this.#rates.give(connection);
    const { messages, ...rest } = readFrame(connection, data, now, this.#settings, this.#entriesOfSubscribe);
    for (const frame of messages) {
      if (frame.type === "heartbeat" && frame.n !== undefined) this.#sender.answered(connection, frame.n);
    }
    if (messages.some(({ type }) => type !== "heartbeat")) connection.acted(this.#clock.now());
    return { ...rest, messages: latestSignals(messages) };
  }

  /**
   * Judges every connection: probes the silent, ends the dead and the expired. `next` is the earliest time
   * at which a verdict may change before the next regular sweep, null where there is none.
   */
  sweep(): { ended: Ended[]; next: number | null } {
    const now = this.#clock.now();
    const ended: Ended[] = [];
    const silences = new Silences();
    let next = Number.POSITIVE_INFINITY;
    for (const connection of [...this.#bySocket.values()]) {
      const pulse = this.#pulse(connection);
      const verdict = judge(pulse, now, this.#ttlMs);
      silences.add(now - pulse.heardAt);
      if (verdict.is === "over") {
        this.end(connection, verdict.code, verdict.reason);
        ended.push({ connection, reason: verdict.reason });
        continue;
      }
      if (verdict.is === "to be probed") next = Math.min(next, this.#probe(connection, now));
      else if (verdict.is === "awaited") next = Math.min(next, verdict.until);
      next = Math.min(next, this.expiryOf(connection));
      connection.rest(now);
    }
    silences.tell(this.#tally);
    this.#tally.count("sweeps");
    const ghosts = ended.filter(({ reason }) => reason === "timeout").length;
    if (ghosts > 0) this.#tally.count("ghosts", ghosts);
    return { ended, next: next === Number.POSITIVE_INFINITY ? null : next };
  }

  /** Whether this connection has been heard within the TTL. */
  isHeard(connection: Connection): boolean {
    return this.#clock.now() - connection.heardAt <= this.#ttlMs;
  }

  /** When the token of this connection ends for us, leeway included, in milliseconds. */
  expiryOf(connection: Connection): number {
    return (connection.state.claims.exp + this.#settings.CLOCK_LEEWAY_SECONDS) * 1000;
  }

  #probe(connection: Connection, now: number): number {
    connection.ask(now);
    const verdict = judge(this.#pulse(connection), now, this.#ttlMs);
    return verdict.is === "awaited" ? verdict.until : now;
  }

  #pulse(connection: Connection) {
    return {
      heardAt: connection.heardAt,
      probedAt: connection.state.probedAt,
      expiresAt: this.expiryOf(connection),
    };
  }

  /** What another version attached. */
  #recall(socket: Socket): void {
    const state = readAttachment(socket.attachment);
    if (state === undefined)
      return closeWithWord(socket, CLOSE.tryAgain, "unreadable after an update", TRY_AGAIN_AFTER_MS);
    const connection = new Connection(socket, state.session, this.#sender, state);
    connection.update({}); // in our form from now on
    this.#woken(connection, state.catchUp !== null);
  }

  #woken(connection: Connection, isBehind: boolean): void {
    this.#add(connection);
    if (isBehind) this.behindOnWake.push(connection);
  }

  #add(connection: Connection): void {
    this.#bySocket.set(connection.socket, connection);
    this.#bySession.set(connection.session, connection);
  }

  /** How long a client is asked to wait that this close code lets come back. */
  #retryAfterMs(code: CloseCode): number | undefined {
    if (code === CLOSE.flooding) return this.#rates.wholeAfterMs;
    return code === CLOSE.tryAgain ? TRY_AGAIN_AFTER_MS : undefined;
  }

  get #ttlMs(): number {
    return this.#settings.SESSION_TTL_SECONDS * 1000;
  }
}

function closeWithWord(socket: Socket, code: CloseCode, reason: string, retryAfterMs?: number): void {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  const closing: ClosingFrame = { type: "closing", code, reason, reconnect: mayReconnect(code), ...wait };
  socket.send(JSON.stringify(closing));
  socket.close(code, reason);
}
