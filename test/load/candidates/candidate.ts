import type { Manners, Target } from "../clients/crowd-socket.ts";

/** Everything that is measured side by side. */
export const NAMES = ["rollcall", "floor", "partyserver", "ws", "socket.io"] as const;
export type Name = (typeof NAMES)[number];

/** One service that runs, and how clients of the benchmark speak to it. */
export interface Candidate {
  name: Name;
  port: number;
  /** Of the process that serves. */
  pid: number;
  /** The address of its debugger, where it was asked for. */
  inspectorPort?: number;
  manners: Manners;
  /** What an idle client of its protocol says every 25 s, where it says anything. */
  ping?: string;
  /** The first so many clients of one room. */
  targets(count: number): Promise<Target[]>;
  /** A whole HTTP request that publishes this to the room. */
  publishing(data: unknown): string;
  /** At once: nothing that it keeps is needed any more. */
  stop(): Promise<void>;
}

/** What a candidate may be asked to be started with. */
export interface Starting {
  /** Settings of ours on top of those of `.dev.vars`; of no meaning to others. */
  vars?: Record<string, string>;
  /** Workerd only. */
  hasInspector?: boolean;
}
