import { type Member, type Message, Published } from "../../src/protocol/bodies.ts";
import { CLOSE } from "../../src/protocol/close-codes.ts";
import {
  type OkFrame,
  type RosterFrame,
  type ServerFrame,
  WelcomeFrame,
} from "../../src/protocol/server-frames.ts";
import type { Kind } from "./fault-table.ts";
import type { Ledger } from "./ledger.ts";
import type { Link, Peer } from "./link.ts";
import type { Planned } from "./scheduler.ts";
import type { World } from "./world.ts";

/** What a client sees of a crash or a deploy. */
const CUT_OFF = 1006;

/** Where a connection leads to: the user's own object, or a channel. */
export interface Target {
  kind: Kind;
  name: string;
}

/** How a connection ended, or why it never began. */
export type Ending = { code: number } | { refused: string | undefined };

/**
 * A client's end of one connection: pings, answers probes, keeps what it was told, and watches that what it
 * is told is in order.
 */
export class SimulatedConnection implements Peer {
  readonly user: string;
  readonly target: Target;
  /** When its token ends: from then on it may be closed at any time. */
  readonly expiresAt: number;
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #onEnd: (ending: Ending) => void;
  readonly #published = new Map<number, { channel: string; data: unknown }>();
  #link: Link | undefined;
  #welcome: WelcomeFrame | undefined;
  #offset = 0;
  #nextPing: Planned | undefined;
  /** On a channel: who is there, as this client was told. */
  readonly roster = new Map<string, Member>();

  constructor(
    world: World,
    who: { user: string; target: Target; expiresAt: number },
    ledger: Ledger,
    onEnd: (ending: Ending) => void,
  ) {
    this.#world = world;
    this.#ledger = ledger;
    this.#onEnd = onEnd;
    this.user = who.user;
    this.target = who.target;
    this.expiresAt = who.expiresAt;
  }

  /** The session, once it was welcomed. */
  get session(): string | undefined {
    return this.#welcome?.session;
  }

  /** Welcomed, pinging, and its socket open at the keeper. */
  get isLive(): boolean {
    return this.#welcome !== undefined && this.#link?.isLive === true;
  }

  start(link: Link): void {
    this.#link = link;
  }

  publish(data: unknown, channel: string): void {
    const ref = this.#published.size + 1;
    this.#published.set(ref, { channel, data });
    this.say({ type: "publish", ...(this.target.kind === "user" ? { channel } : {}), data, ref });
  }

  say(frame: object): void {
    this.#link?.send(JSON.stringify(frame));
  }

  close(): void {
    this.#stop();
    this.#link?.close();
  }

  terminate(): void {
    this.#stop();
    this.#link?.terminate();
  }

  vanish(): void {
    this.#stop();
    this.#link?.vanish();
  }

  opened(): void {
    this.#pingLater();
  }

  refused(code: string | undefined): void {
    this.#onEnd({ refused: code });
  }

  closed(code: number, reason: string): void {
    this.#stop();
    this.#mayEndSo(code, reason);
    this.#onEnd({ code });
  }

  received(text: string): void {
    if (text === "pong") return;
    const frames: ServerFrame | ServerFrame[] = JSON.parse(text);
    for (const frame of Array.isArray(frames) ? frames : [frames]) this.#understand(frame);
  }

  /** Nobody may end a connection that pings and keeps the rules; what may cut it off is known. */
  #mayEndSo(code: number, reason: string): void {
    const isExpired = code === CLOSE.tokenExpired && this.#world.now >= this.expiresAt;
    if (code === CUT_OFF || code === CLOSE.replaced || isExpired) return;
    this.#wrong(`closed with ${code} (${reason}), though it was alive`);
  }

  #understand(frame: ServerFrame): void {
    if (this.#welcome === undefined && frame.type !== "welcome" && frame.type !== "closing") {
      return this.#wrong(`${frame.type} came before welcome`);
    }
    switch (frame.type) {
      case "welcome":
        return this.#welcomed(frame);
      case "message":
        return this.#delivered(frame);
      case "members":
        return this.#rosterChanged(frame);
      case "probe":
        return this.#link?.send("ping");
      case "ok":
        return this.#acknowledged(frame);
      case "error":
        if (frame.code !== "unavailable") this.#wrong(`a frame was refused: ${frame.code} ${frame.message}`);
        return;
      case "signal":
        if (frame.from?.session === this.session) this.#wrong("a signal returned to its sender");
    }
  }

  #welcomed(frame: WelcomeFrame): void {
    const welcome = WelcomeFrame.safeParse(frame);
    if (!welcome.success) return this.#wrong(`a welcome of the wrong shape: ${welcome.error.message}`);
    if (this.#welcome !== undefined) return this.#wrong("welcomed twice");
    this.#welcome = welcome.data;
    this.#ledger.welcomes++;
    this.#offset = welcome.data.offset ?? 0;
    for (const member of welcome.data.members ?? []) this.roster.set(member.user, member);
    if (welcome.data.count !== undefined) this.#countIs(welcome.data.count);
  }

  /** Each connection sees what follows the offset that its welcome named, without a gap and none twice. */
  #delivered({ channel, offset, id, data }: Message): void {
    if (offset !== this.#offset + 1) return this.#wrong(`offset ${offset} came after ${this.#offset}`);
    this.#offset = offset;
    this.#ledger.deliver({ channel, offset, id, data });
  }

  #acknowledged({ ref, ...answer }: OkFrame & Record<string, unknown>): void {
    const published = typeof ref === "number" ? this.#published.get(ref) : undefined;
    if (published === undefined) return;
    const { id, epoch, offset } = Published.parse({ at: 0, ...answer });
    this.#ledger.acknowledge({ ...published, id, epoch, offset });
  }

  #rosterChanged(news: RosterFrame): void {
    for (const member of [...(news.joined ?? []), ...(news.changed ?? [])])
      this.roster.set(member.user, member);
    for (const { user } of news.left ?? []) this.roster.delete(user);
    this.#countIs(news.count);
  }

  #countIs(count: number): void {
    if (count !== this.roster.size)
      this.#wrong(`told of ${this.roster.size} members and a count of ${count}`);
  }

  #wrong(sentence: string): void {
    this.#world.journal.fail(`${this.user} on ${this.target.kind} ${this.target.name}: ${sentence}`);
  }

  #pingLater(): void {
    const interval = this.#world.settings.HEARTBEAT_INTERVAL_SECONDS * 1000;
    this.#nextPing = this.#world.scheduler.after(interval, () => {
      this.#link?.send("ping");
      this.#pingLater();
    });
  }

  #stop(): void {
    this.#nextPing?.cancel();
  }
}
