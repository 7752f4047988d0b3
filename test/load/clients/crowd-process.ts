import { now, pause, within } from "./clock.ts";
import type { Commands, Counted, Open, Publish, Way } from "./crowd-commands.ts";
import { CrowdSocket, type Target } from "./crowd-socket.ts";
import { CLOSE_FRAME, FrameReader, type Heard, tally, textFrame } from "./frame-reader.ts";
import { HttpLane } from "./http-lane.ts";
import { MarkerCounter, OFFSET } from "./marker-counter.ts";

const CONNECT_TIMEOUT_MS = 60_000;
const WAY_TIMEOUT_MS = 30_000;
const PING_SLICES = 100;

/** A process with thousands of clients, which does what its parent says, one thing after the other. */
class Crowd implements Commands {
  readonly #clients: { socket: CrowdSocket; counter: MarkerCounter; target: Target }[] = [];
  #order: Open | undefined;
  #total = 0;
  #bytes = 0;
  #lastAt = 0;
  #heard: Record<string, Heard> = {};
  /** Of each number: by how many it was heard, when first and when last. */
  #arrivals: Map<number, { heard: number; firstAt: number; lastAt: number }> | undefined;
  #pinging: NodeJS.Timeout | undefined;
  #cpu = process.cpuUsage();

  async open(order: Open) {
    this.#order = order;
    const startedAt = now();
    const each: number[] = [];
    const failed: string[] = [];
    const queue = order.targets.values();
    this.#startPinging();
    await Promise.all(
      Array.from({ length: order.atOnce }, async () => {
        for (const target of queue) {
          try {
            each.push(await this.#join(target));
          } catch (cause) {
            failed.push(cause instanceof Error ? cause.message : String(cause));
          }
        }
      }),
    );
    return { ms: now() - startedAt, each, failed: failed.slice(0, 5) };
  }

  async reset() {
    this.#total = 0;
    this.#bytes = 0;
    this.#heard = {};
    this.#cpu = process.cpuUsage();
    for (const { counter } of this.#clients) counter.reset();
  }

  async publish({ request, times, everyMs, isPaced, listeners }: Publish): Promise<Way[]> {
    this.#arrivals = new Map();
    const free: HttpLane[] = [];
    const ways: Promise<Way>[] = [];
    const startedAt = now();
    for (let i = 0; i < times; i++) {
      if (isPaced) await pause(Math.max(0, startedAt + i * everyMs - now()));
      const lane = free.pop() ?? new HttpLane(this.#port);
      const way = this.#way(lane, request, listeners).finally(() => free.push(lane));
      ways.push(way);
      if (!isPaced) {
        await way;
        await pause(everyMs);
      }
    }
    const all = await Promise.all(ways);
    for (const lane of free) lane.end();
    this.#arrivals = undefined;
    return all;
  }

  async whisper({ frames, everyMs }: Parameters<Commands["whisper"]>[0]) {
    const arrivals = new Map();
    this.#arrivals = arrivals;
    const sent: number[] = [];
    const startedAt = now();
    for (const [i, { from, text }] of frames.entries()) {
      await pause(Math.max(0, startedAt + i * everyMs - now()));
      sent.push(now());
      this.#clients[from]?.socket.write(textFrame(text));
    }
    const deadline = now() + WAY_TIMEOUT_MS;
    while (arrivals.size < frames.length && now() < deadline) await pause(20);
    this.#arrivals = undefined;
    return frames.map(({ number }, i) => (arrivals.get(number)?.firstAt ?? Infinity) - (sent[i] ?? 0));
  }

  async counted({ each, timeoutMs }: { each: number; timeoutMs: number }): Promise<Counted> {
    const deadline = now() + timeoutMs;
    while (this.#total < each * this.#clients.length && now() < deadline) await pause(10);
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      total: this.#total,
      uneven: this.#clients.filter(({ counter }) => counter.count !== each).length,
      disorder: this.#clients.reduce((sum, { counter }) => sum + counter.disorder, 0),
      lastAt: this.#lastAt,
      closed: this.#clients.filter(({ socket }) => socket.isClosed).length,
      cpuMs: (user + system) / 1000,
      bytes: this.#bytes,
      heard: this.#heard,
    };
  }

  async fallSilent() {
    clearInterval(this.#pinging);
  }

  async flap({ times, awayMs: [least, most] }: { times: number; awayMs: [number, number] }) {
    const away = () => pause(least + Math.random() * (most - least));
    await Promise.all(
      this.#clients.map(async (client) => {
        for (let i = 0; i < times; i++) {
          await away();
          client.socket.end(CLOSE_FRAME);
          await away();
          client.socket = this.#connect(client.target, client.counter);
          await within(CONNECT_TIMEOUT_MS, "a return", client.socket.opened);
        }
      }),
    );
  }

  async close() {
    clearInterval(this.#pinging);
    for (const { socket } of this.#clients) socket.end();
    this.#clients.length = 0;
  }

  get #port(): number {
    return this.#order?.port ?? 0;
  }

  async #join(target: Target): Promise<number> {
    const counter = new MarkerCounter(Buffer.from(this.#order?.marker ?? OFFSET));
    const socket = this.#connect(target, counter);
    const ms = await within(CONNECT_TIMEOUT_MS, "a connect", socket.opened);
    this.#clients.push({ socket, counter, target });
    return ms;
  }

  #connect(target: Target, counter: MarkerCounter): CrowdSocket {
    const order = this.#order;
    if (order === undefined) throw new Error("nothing to connect to");
    const hello = order.hello.map(textFrame);
    if (order.marker !== null)
      return new CrowdSocket(target, order, hello, (bytes) => this.#count(bytes, counter));
    const reader = new FrameReader();
    return new CrowdSocket(target, order, hello, (bytes) => {
      this.#bytes += bytes.length;
      this.#lastAt = now();
      tally(reader.feed(bytes), this.#heard);
    });
  }

  #count(bytes: Buffer, counter: MarkerCounter): void {
    this.#bytes += bytes.length;
    const found = counter.feed(bytes, this.#arrivals && this.#arrived);
    if (found === 0) return;
    this.#total += found;
    this.#lastAt = now();
  }

  readonly #arrived = (number: number) => {
    const at = now();
    const arrival = this.#arrivals?.get(number);
    if (arrival === undefined) this.#arrivals?.set(number, { heard: 1, firstAt: at, lastAt: at });
    else {
      arrival.heard += 1;
      arrival.lastAt = at;
    }
  };

  async #way(lane: HttpLane, request: string, listeners: number): Promise<Way> {
    const sentAt = now();
    const { status, body } = await within(WAY_TIMEOUT_MS, "a publish", lane.ask(request));
    const answeredMs = now() - sentAt;
    const number = Number(/"offset":(\d+)/.exec(body)?.[1]);
    if (status !== 201) throw new Error(`a publish was answered with ${status}: ${body.slice(0, 200)}`);
    const arrival = () => this.#arrivals?.get(number);
    const deadline = sentAt + WAY_TIMEOUT_MS;
    while ((arrival()?.heard ?? 0) < listeners && now() < deadline) await pause(1);
    const { heard, firstAt, lastAt } = arrival() ?? { heard: 0, firstAt: Infinity, lastAt: Infinity };
    return { answeredMs, firstMs: firstAt - sentAt, lastMs: lastAt - sentAt, heard, answer: body };
  }

  #startPinging(): void {
    const { ping } = this.#order ?? {};
    if (ping === undefined) return;
    clearInterval(this.#pinging);
    const frame = textFrame(ping.text);
    let slice = 0;
    this.#pinging = setInterval(() => {
      for (let i = slice; i < this.#clients.length; i += PING_SLICES) this.#clients[i]?.socket.write(frame);
      slice = (slice + 1) % PING_SLICES;
    }, ping.everyMs / PING_SLICES);
  }
}

const crowd: Commands = new Crowd();
process.on("message", ({ command, order }: { command: keyof Commands; order: never }) => {
  crowd[command](order).then(
    (answer) => process.send?.({ answer }),
    (cause: Error) => process.send?.({ failed: cause.message }),
  );
});
process.on("disconnect", () => process.exit());
