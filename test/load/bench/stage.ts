import type { Candidate, Name, Starting } from "../candidates/candidate.ts";
import { start } from "../candidates/peers.ts";
import { Crowd, Publisher } from "../clients/child.ts";
import type { Open, Opened, Way } from "../clients/crowd-commands.ts";
import type { Target } from "../clients/crowd-socket.ts";
import { OFFSET } from "../clients/marker-counter.ts";

const stages = new Set<Stage>();

/** The most that connect at the same time, where nobody says otherwise. */
const AT_ONCE = 50;
const PING_EVERY_MS = 25_000;

/** A message of about 130 bytes, as it is published. */
export const LETTER = {
  text: "Nobody expects the measured message: a hundred and thirty bytes, more or less, as people write.",
  by: "u1",
};

/** A candidate with its own crowd of clients. */
export interface Served {
  candidate: Candidate;
  crowd: Crowd;
}

/** Everything that one scenario has started; all of it ends with the scenario, whatever happens. */
export class Stage implements AsyncDisposable {
  readonly #endings: (() => unknown)[] = [];

  constructor() {
    stages.add(this);
  }

  async start(name: Name, starting: Starting = {}): Promise<Served> {
    return { candidate: await this.running(start(name, starting)), crowd: this.crowd() };
  }

  /** What is being started belongs to the stage before it runs: whoever is interrupted in between leaves nothing. */
  async running<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
    this.onEnd(async () => {
      const started = await starting.catch(() => undefined); // who fails to start has ended what it had
      await started?.stop();
    });
    return starting;
  }

  /** Several, one after the other, in this order. */
  async startAll(names: readonly Name[], starting: Starting = {}): Promise<Served[]> {
    const all: Served[] = [];
    for (const name of names) all.push(await this.start(name, starting));
    return all;
  }

  crowd(): Crowd {
    const crowd = new Crowd();
    this.onEnd(() => crowd.end());
    return crowd;
  }

  publisher(): Publisher {
    const publisher = new Publisher();
    this.onEnd(() => publisher.end());
    return publisher;
  }

  onEnd(ending: () => unknown): void {
    this.#endings.push(ending);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    stages.delete(this);
    for (const ending of this.#endings.splice(0).reverse()) await ending();
  }
}

/** Ends whatever is still there: for who is interrupted. */
export async function endAll(): Promise<void> {
  for (const stage of stages) await stage[Symbol.asyncDispose]();
}

/** Lets so many clients in. Throws when one of them is refused. */
export async function connect(
  { candidate, crowd }: Served,
  targets: Target[],
  options: Partial<Pick<Open, "atOnce" | "marker">> & { pingEveryMs?: number } = {},
): Promise<Opened> {
  const { atOnce = AT_ONCE, marker = OFFSET, pingEveryMs = PING_EVERY_MS } = options;
  const ping = candidate.ping === undefined ? undefined : { text: candidate.ping, everyMs: pingEveryMs };
  const opened = await crowd.do("open", {
    ...candidate.manners,
    targets,
    atOnce,
    marker,
    ...(ping && { ping }),
  });
  if (opened.failed.length > 0) throw new Error(`${candidate.name}: ${opened.failed[0]}`);
  return opened;
}

/** One publish after the other, each heard by all before the next. Throws when one is not. */
export async function publishEach(
  { candidate, crowd }: Served,
  listeners: number,
  options: { times: number; everyMs?: number; isPaced?: boolean },
): Promise<Way[]> {
  const { times, everyMs = 20, isPaced = false } = options;
  const request = candidate.publishing(LETTER);
  const ways = await crowd.do("publish", { request, times, everyMs, isPaced, listeners });
  const lost = ways.find(({ heard }) => heard !== listeners);
  if (lost !== undefined) throw new Error(`${candidate.name}: heard by ${lost.heard} of ${listeners}`);
  return ways;
}
