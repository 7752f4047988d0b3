import type { WelcomeFrame } from "../protocol/server-frames.ts";
import type { Settings } from "./settings.ts";
import type { EventSourceLike, SocketConstructor, SocketLike } from "./socket.ts";
import type { SaidFrame } from "./stream-requests.ts";
import { StreamSpeech } from "./stream-speech.ts";

/*
 * A session without a WebSocket: it listens to an event stream and speaks over HTTP. To the rest of the SDK it is
 * a socket like any other. This file and what it imports are loaded only where they are needed.
 */

/** Everything that the service tells. `heartbeat` has nothing but its coming. */
const TYPES = [
  ..."welcome subscribed message signal direct broadcast presence members error closing".split(" "),
  "heartbeat",
];
/** The service says something once an interval; a stream that was silent for longer is not vouched for. */
const SILENT_AFTER = 1.5;
/** Recovered messages come right behind the welcome. Where there are none, this is how long it is held back. */
const FIRST_MESSAGE_WITHIN_MS = 1_000;
const ABNORMAL = 1006;
/** Prefix, `v1/`, and the channel where there is one. */
const PATH = /^(.*\/)v1\/(?:channels\/([^/]+)\/)?connect$/;

type Setup = Pick<Settings, "fetch" | "timers" | "EventSource">;

/** What takes the place of `WebSocket`: it has the same address, and the token as the same subprotocol. */
export function eventStreams(setup: Setup): SocketConstructor {
  return class extends StreamSocket {
    constructor(url: string, protocols: string[]) {
      super(setup, url, protocols);
    }
  };
}

class StreamSocket implements SocketLike {
  readonly #setup: Setup;
  readonly #address: URL;
  readonly #base: URL;
  readonly #channel: string | undefined;
  readonly #listeners: Record<string, ((event: never) => void)[]> = {};
  readonly #over = new AbortController();
  #token: string;
  #source: EventSourceLike | undefined;
  #speech: StreamSpeech | undefined;
  #held: WelcomeFrame | undefined;
  #heardAt = 0;
  #patienceMs = 0;

  constructor(setup: Setup, url: string, protocols: string[]) {
    this.#setup = setup;
    this.#address = new URL(url.replace(/^ws/, "http"));
    const [, prefix = "/", channel] = PATH.exec(this.#address.pathname) ?? [];
    this.#base = new URL(prefix, this.#address);
    this.#channel = channel && decodeURIComponent(channel);
    this.#token = protocols[1]?.slice("bearer.".length) ?? "";
    void this.#open();
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners[type] = [...(this.#listeners[type] ?? []), listener];
  }

  send(text: string): void {
    if (text === "ping") return this.#vouch();
    const frame: SaidFrame = JSON.parse(text);
    const { type, ref, channel } = frame;
    if (type === "auth") {
      this.#renew(String(frame.token), ref);
    } else if (type === "subscribe" && this.#channel === undefined) {
      const message = "over an event stream each channel needs a connection of its own";
      this.#pass({ type: "error", ref, code: "use_channel_connection", message, channel });
    } else if (type === "subscribe") {
      this.#end("it goes on from where it stood"); // a new stream recovers, which no request can ask of this one
    } else if (type !== "heartbeat") this.#speech?.say(frame);
  }

  close(): void {
    this.#over.abort();
    this.#source?.close();
    this.#speech?.end();
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  async #open(): Promise<void> {
    const { fetch, EventSource } = this.#setup;
    try {
      const headers = { authorization: `Bearer ${this.#token}` };
      const asked = { method: "POST", headers, signal: this.#over.signal };
      const answer = await fetch(new URL("v1/tickets", this.#base), asked);
      const { ticket } = (await answer.json()) as { ticket?: string };
      if (this.#isOver) return;
      if (ticket === undefined || EventSource === undefined) return this.#end("no ticket");
      this.#address.searchParams.set("ticket", ticket);
      const source = new EventSource(this.#address.href);
      this.#source = source;
      source.addEventListener("open", () => this.#emit("open", {}));
      for (const type of TYPES) source.addEventListener(type, ({ data }) => this.#heard(type, data));
    } catch {
      this.#end("the service could not be reached"); // why, whoever opened this asks
    }
  }

  #heard(type: string, data: unknown): void {
    if (this.#isOver) return;
    // An error without data is the platform's own. It would come back by itself, with a ticket that is used up.
    if (typeof data !== "string") return this.#end("the stream ended");
    this.#heardAt = this.#setup.timers.now();
    if (type === "heartbeat") return this.#say("pong");
    if (type === "welcome") return this.#welcomed(JSON.parse(data));
    if (this.#held !== undefined) return this.#release(JSON.parse(data));
    this.#say(data);
  }

  #welcomed(welcome: WelcomeFrame): void {
    const { fetch, timers } = this.#setup;
    const { user, session, heartbeat, recovered, offset } = welcome;
    this.#patienceMs = heartbeat.intervalSeconds * 1000 * SILENT_AFTER;
    this.#speech = new StreamSpeech({
      ...{ fetch, timers, user, session, base: this.#base, channel: this.#channel },
      token: () => this.#token,
      answered: (frame) => this.#pass(frame),
      gone: () => this.#end("the session is gone"),
    });
    // A rewind's messages come as events behind it, and where they begin must be known before.
    if (recovered === false && offset && Number(this.#address.searchParams.get("rewind"))) {
      this.#held = welcome;
      timers.after(FIRST_MESSAGE_WITHIN_MS, () => this.#release());
    } else this.#pass(welcome);
  }

  /** The welcome that was held back, with the first event behind it. */
  #release(next?: { type: string; offset?: number }): void {
    const welcome = this.#held;
    this.#held = undefined;
    if (welcome === undefined || this.#isOver) return;
    const isRecovered = next?.type === "message" && Number(next.offset) <= Number(welcome.offset);
    this.#pass({ ...welcome, ...(isRecovered && { messages: [next] }) });
    if (next !== undefined && !isRecovered) this.#pass(next);
  }

  /** Whether the other side is there the stream itself tells: the service's heartbeats need no asking. */
  #vouch(): void {
    if (this.#setup.timers.now() - this.#heardAt <= this.#patienceMs) this.#say("pong");
  }

  #pass(frame: object): void {
    this.#say(JSON.stringify(frame));
  }

  #say(data: string): void {
    if (!this.#isOver) this.#emit("message", { data });
  }

  #end(reason: string): void {
    if (this.#isOver) return;
    this.close();
    this.#emit("close", { code: ABNORMAL, reason });
  }

  /** What is said from now on counts by it. The stream ends with the old one, and comes back with the new. */
  #renew(token: string, ref: SaidFrame["ref"]): void {
    const expiresAt = expiryOf(token);
    if (expiresAt === undefined)
      return this.#pass({ type: "error", ref, code: "token_invalid", message: "not a signed JWT" });
    this.#token = token;
    this.#pass({ type: "ok", ref, expiresAt });
  }

  #emit(type: string, event: object): void {
    for (const listener of this.#listeners[type] ?? []) listener(event as never);
  }
}

/** When a token ends, in milliseconds; undefined for what is none. The service checks it; here it is only read. */
function expiryOf(token: string): number | undefined {
  const payload = token.split(".")[1] ?? "";
  try {
    const { exp }: { exp: number } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return exp * 1000;
  } catch {
    return undefined;
  }
}
