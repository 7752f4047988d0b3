import type { DeviceType } from "../protocol/names.ts";
import { serviceAddress } from "./address.ts";
import type { SocketConstructor } from "./socket.ts";
import { systemTimers, type Timers } from "./timers.ts";
import type { TokenSource } from "./token.ts";

/** How to connect. Only `url` and `token` are needed. */
export interface ConnectOptions {
  /** The service, `https://presence.example.com`; `http`, `ws` and `wss` do as well. */
  url: string | URL;
  /**
   * The user's JWT, or a function that gets one. The function is asked before every attempt, and again
   * before the token of an open connection ends: the new one prolongs it without a break. With a string the
   * end of the token (close code 4001) is the end.
   */
  token: TokenSource;
  /** Connect to this one channel. Without it the connection is the user's own. */
  channel?: string;
  /** What this is running on. `id` should be stable for one installation; strings of at most 64 characters. */
  device?: { id?: string; type?: DeviceType; name?: string };
  /** On a channel connection: begin with so many of the newest messages. Needs the grant `history`. */
  rewind?: number;
  /**
   * When direct messages are done with for this device: `auto`, when the handlers of `direct` have returned, or
   * `manual`, when `connection.inbox.ack` says so. What is not comes again on the next connect.
   */
  acknowledge?: "auto" | "manual";
  /** Where there is no global `WebSocket`. */
  WebSocket?: SocketConstructor;
  /** Where there is no global `fetch`; asked only why a connection was refused. */
  fetch?: typeof fetch;
  /** For tests: time. */
  timers?: Timers;
  /** For tests: a number in [0, 1), for the jitter and what idempotency keys begin with. */
  random?: () => number;
}

/** The options with every default in its place. */
export interface Settings extends Omit<ConnectOptions, "channel" | "rewind"> {
  base: URL;
  channel?: string | undefined;
  rewind?: number | undefined;
  WebSocket: SocketConstructor;
  fetch: typeof fetch;
  timers: Timers;
  random: () => number;
}

/** Throws a TypeError where the options cannot work at all. */
export function settingsOf(options: ConnectOptions): Settings {
  const WebSocket = options.WebSocket ?? globalThis.WebSocket;
  if (WebSocket === undefined) throw new TypeError("options.WebSocket is needed here");
  return {
    // Called as plain functions: the browser's fetch refuses any other `this`.
    fetch: (input, init) => fetch(input, init),
    timers: systemTimers,
    random: Math.random,
    ...options,
    base: serviceAddress(options.url),
    WebSocket,
  };
}
