import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { pause } from "../clients/clock.ts";
import { median } from "./stats.ts";

/** What the numbers were measured on. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGb: number;
  node: string;
  workerd: string;
  commit: string;
  isClean: boolean;
  date: string;
  descriptors: number;
  /** Work of others when it began: the system's load, and the part of the processors that was busy. */
  load: number;
  busy: number;
  /** Milliseconds of a fixed loop, median, and how far the slowest was from the fastest. */
  loopMs: number;
  loopSpread: number;
}

/** Above these the machine is doing something else, and the figures say so. */
export const MOST_BUSY = 0.15;
const MOST_LOOP_SPREAD = 1.25;
/** For each core; the system's average over the last minute, which our own last run raises too. */
const MOST_LOAD = 0.5;

const ROOT = new URL("../../..", import.meta.url).pathname;
const SAMPLE_MS = 5000;
const LOOPS = 15;

/** Looks at the machine before anything is started on it. */
export async function machine(): Promise<Machine> {
  const busy = await busyShare(SAMPLE_MS);
  const loops = Array.from({ length: LOOPS }, loopMs);
  const workerd = JSON.parse(readFileSync(`${ROOT}node_modules/workerd/package.json`, "utf8")) as {
    version: string;
  };
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    workerd: workerd.version,
    commit: git("rev-parse", "--short", "HEAD"),
    isClean: git("status", "--porcelain") === "",
    date: new Date().toISOString().slice(0, 10),
    descriptors: Number(/Max open files\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? 0),
    load: loadavg()[0] ?? 0,
    busy,
    loopMs: median(loops),
    loopSpread: Math.max(...loops) / Math.min(...loops),
  };
}

/** Whether figures of this machine, now, are to be believed. */
export const isQuiet = ({ busy, loopSpread, load, cores }: Machine): boolean =>
  busy <= MOST_BUSY && loopSpread <= MOST_LOOP_SPREAD && load <= MOST_LOAD * cores;

/** The part of all processors that was busy for so many milliseconds: asked while nothing of ours runs. */
export async function busyShare(ms: number): Promise<number> {
  const before = busyTimes();
  await pause(ms);
  const after = busyTimes();
  return (after.busy - before.busy) / (after.all - before.all);
}

/** Processor time that a process has used so far, in milliseconds. */
export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10; // in ticks of 10 ms, proc(5)
}

/** What a process holds in memory, in bytes. */
export function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN) * 1024;
}

function busyTimes(): { busy: number; all: number } {
  let busy = 0;
  let all = 0;
  for (const { times } of cpus()) {
    const sum = Object.values(times).reduce((a, b) => a + b, 0);
    busy += sum - times.idle;
    all += sum;
  }
  return { busy, all };
}

function loopMs(): number {
  const startedAt = performance.now();
  let sum = 0;
  for (let i = 0; i < 2e7; i++) sum = (sum * 31 + i) | 0;
  return performance.now() - startedAt + (sum === 0 ? 1e-9 : 0);
}

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
}
