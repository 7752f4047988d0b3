import type { Manners, Target } from "./crowd-socket.ts";
import type { Heard } from "./frame-reader.ts";

/** Connect all these, so many at a time. */
export interface Open extends Manners {
  targets: Target[];
  atOnce: number;
  /** What stands before the number of each message; frames are read whole, and tallied by type, where it is null. */
  marker: string | null;
  /** Text that each client says every so many milliseconds. */
  ping?: { text: string; everyMs: number };
}

/** How long it took until each was let in. */
export interface Opened {
  ms: number;
  each: number[];
  failed: string[];
}

/** One publish after the other, or so many a second whatever comes of them. */
export interface Publish {
  request: string;
  times: number;
  everyMs: number;
  isPaced: boolean;
  /** How many clients should hear each. */
  listeners: number;
}

/** A direct message from one client to another, by number, so many a second. */
export interface Whisper {
  /** The frame each time, and the number that it carries. */
  frames: { from: number; text: string; number: number }[];
  everyMs: number;
}

/** The way of one publish, in milliseconds from when it was sent; `heard` says by how many. */
export interface Way {
  answeredMs: number;
  firstMs: number;
  lastMs: number;
  heard: number;
  /** What the publish was answered with. */
  answer: string;
}

/** What all clients counted since the last `reset`. */
export interface Counted {
  total: number;
  /** Clients that counted another number than asked for. */
  uneven: number;
  disorder: number;
  lastAt: number;
  closed: number;
  cpuMs: number;
  bytes: number;
  heard: Record<string, Heard>;
}

/** Everything that a crowd can be told to do, each with its answer. */
export interface Commands {
  open: (order: Open) => Promise<Opened>;
  reset: () => Promise<void>;
  publish: (order: Publish) => Promise<Way[]>;
  whisper: (order: Whisper) => Promise<number[]>;
  /** Waits until each client has counted so many, or for so long. */
  counted: (order: { each: number; timeoutMs: number }) => Promise<Counted>;
  /** No pings any more. */
  fallSilent: () => Promise<void>;
  /** Each leaves and returns so many times, after a pause between these two. */
  flap: (order: { times: number; awayMs: [number, number] }) => Promise<void>;
  close: () => Promise<void>;
}
