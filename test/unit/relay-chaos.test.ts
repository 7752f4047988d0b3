import fc from "fast-check";
import { expect, test } from "vitest";
import type { Push } from "../../src/objects/relaying.ts";
import { RelayBench, type SocketEnd } from "../fixtures/relay-bench.ts";

const TTL_MS = 60_000;

const action = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("say", "change the roster") },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "say, lost",
      "change the roster, lost",
      "say, late",
      "change the roster, late",
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom("deliver a late push", "repeat a push", "answers wait", "answers come"),
  },
  { weight: 2, arbitrary: fc.constantFrom("connect", "return", "leave", "settle", "sleep") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("another log", "fall silent", "publish", "calls fail", "calls succeed"),
  },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** What one client has seen: checked with every frame, so that nothing comes twice or out of order. */
class Reader {
  readonly socket: SocketEnd;
  #read = 0;
  #epoch = "";
  offset = 0;
  roster = "";

  constructor(socket: SocketEnd, from?: { epoch: string; offset: number }) {
    this.socket = socket;
    if (from !== undefined) [this.#epoch, this.offset] = [from.epoch, from.offset];
  }

  get position() {
    this.read();
    return { epoch: this.#epoch, offset: this.offset };
  }

  read(): void {
    for (const frame of this.socket.said.slice(this.#read)) {
      if (frame.type === "message") this.#take(Number(frame.offset));
      if (frame.type === "members") this.roster = String(frame.to);
      if (frame.type !== "welcome" && frame.type !== "subscribed") continue;
      this.roster = String(frame.cursor);
      const messages = frame.messages as { offset: number }[];
      if (!frame.recovered || frame.epoch !== this.#epoch) {
        expect(frame.recovered).toBe(false);
        this.#epoch = String(frame.epoch);
        this.offset = (messages[0]?.offset ?? Number(frame.offset) + 1) - 1;
      }
      for (const { offset } of messages) this.#take(offset);
    }
    this.#read = this.socket.said.length;
  }

  #take(offset: number): void {
    expect(offset, "the next message").toBe(this.offset + 1);
    this.offset = offset;
  }
}

/** A relay, its clients, and a network that loses, repeats and delays what its channel pushes. */
class Chaos {
  readonly bench = new RelayBench({ RATE_BURST: "10000" });
  readonly readers: Reader[] = [];
  readonly late: Push[] = [];
  readonly sent: Push[] = [];
  #rosters = 0;
  #users = 0;
  #epochs = 1;
  #isWaiting = false;

  async run(what: Action): Promise<void> {
    const { bench } = this;
    switch (what) {
      case "say":
        return this.#push(bench.channel.say("x"));
      case "change the roster":
        return this.#push(this.#roster());
      case "say, lost":
        return void bench.channel.say("x");
      case "change the roster, lost":
        return void this.#roster();
      case "say, late":
        return void this.late.push(bench.channel.say("x"));
      case "change the roster, late":
        return void this.late.push(this.#roster());
      case "deliver a late push":
        return this.#push(this.late.shift());
      case "repeat a push":
        return this.#push(this.sent.at(-1));
      case "answers wait":
        this.#isWaiting = true;
        return bench.channel.close();
      case "answers come":
        this.#isWaiting = false;
        return bench.channel.open();
      case "calls fail":
      case "calls succeed":
        bench.channel.isGone = what === "calls fail";
        return;
      case "connect":
        return this.#connect(`u${this.#users++}`);
      case "return": {
        const reader = this.readers.shift();
        if (reader === undefined) return;
        const { position } = reader;
        await this.#close(reader);
        return this.#connect("returned", position);
      }
      case "leave": {
        const reader = this.readers.pop();
        return reader && this.#close(reader);
      }
      case "settle":
        return this.#pass(3000);
      case "sleep": {
        if (this.#isWaiting || bench.channel.isGone) return; // it does not sleep while it waits, or tries again
        while (!this.bench.world.maySleep) await this.#pass(500);
        return this.bench.sleep();
      }
      case "another log":
        if (this.#isWaiting) return; // deletion asks the relay first; a lost storage takes what was under way
        return bench.channel.beginAnew(`e${++this.#epochs}`);
      case "fall silent":
        return this.#pass(12_000);
      case "publish": {
        const [reader] = this.readers;
        if (reader !== undefined && reader.socket.closedWith === undefined) {
          void bench.relay.received(reader.socket, JSON.stringify({ type: "publish", data: 1 }));
        }
        return;
      }
    }
  }

  /** Time passes without anything lost: by the next sweep everybody has everything. */
  async end(): Promise<void> {
    this.bench.channel.isGone = false;
    this.bench.channel.open();
    await this.#pass(1.3 * TTL_MS);
  }

  /** Everybody who was not asked to come back. */
  get live(): Reader[] {
    return this.readers.filter(
      ({ socket }) => socket.closedWith === undefined && socket.welcome !== undefined,
    );
  }

  check(): void {
    for (const reader of this.readers) reader.read();
  }

  /** Does not wait for answers that wait. */
  async #pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 250) {
      for (const { socket } of this.readers) socket.ping = this.bench.world.now;
      this.bench.world.advance(250, () => this.bench.relay.alarm());
      await new Promise(setImmediate);
    }
    this.check();
  }

  #roster(): Push {
    return this.bench.channel.changeRoster(`r${++this.#rosters}`);
  }

  async #push(push: Push | undefined): Promise<void> {
    if (push === undefined) return;
    this.sent.push(push);
    await this.bench.relay.push(structuredClone(push));
    this.check();
  }

  async #connect(user: string, recover?: { epoch: string; offset: number }): Promise<void> {
    const { socket, done } = this.bench.connecting(user, recover ? { recover } : {});
    this.readers.push(new Reader(socket, recover));
    void done;
    await new Promise(setImmediate);
  }

  async #close(reader: Reader): Promise<void> {
    if (reader.socket.closedWith === undefined) this.bench.drop(reader.socket);
  }
}

test("[RY3] whatever is lost, repeated or late, everybody hears each message once and in order, and sees the last roster", async () => {
  let recovered = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60, size: "max" }), async (actions) => {
      const chaos = new Chaos();
      for (const one of ["connect", "connect", "connect", ...actions] as const) {
        await chaos.run(one);
        await new Promise(setImmediate);
      }
      await chaos.end();
      const { epoch, top, roster } = chaos.bench.channel;
      for (const reader of chaos.live) {
        expect(reader.position).toEqual({ epoch, offset: top });
        expect(reader.roster).toBe(roster);
        recovered += 1;
      }
    }),
    { numRuns: 150 },
  );
  expect(recovered).toBeGreaterThan(100);
}, 120_000);
