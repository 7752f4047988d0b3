import { MessageLog } from "../../src/channel/log/message-log.ts";
import type { Message } from "../../src/protocol/bodies.ts";
import { presenceOf } from "../../src/user/presence/presence.ts";
import type { Crowd } from "./clients.ts";
import type { SimulatedConnection } from "./connection.ts";
import { inspect } from "./inspection.ts";
import type { KnownMessage } from "./ledger.ts";
import { LimitInvariant } from "./limit-invariant.ts";
import { OrderInvariants } from "./order-invariants.ts";
import type { SimulatedObject } from "./simulated-object.ts";
import type { World } from "./world.ts";

const MOST_PER_PAGE = 1000;
const PRESENCE_STEP_MS = 10_000;

/** What must hold at every moment, whatever failed before. Each method notes the first thing that is wrong. */
export class Invariants {
  readonly #world: World;
  readonly #crowd: Crowd;
  /** Each channel's log as it was seen to be durable: it may only grow. */
  readonly #logs = new Map<string, { epoch: string; messages: Message[] }>();
  readonly #logVersions = new Map<SimulatedObject, number>();
  readonly #orders: OrderInvariants;
  readonly #limit: LimitInvariant;
  readonly #looks = new Map<SimulatedObject, string>();
  /** Objects without an alarm, with the writes after which that was found to be right. */
  readonly #alarmless = new Map<SimulatedObject, number>();
  #steps = 0;

  constructor(world: World, crowd: Crowd) {
    this.#world = world;
    this.#crowd = crowd;
    this.#orders = new OrderInvariants(world, crowd);
    this.#limit = new LimitInvariant(world);
  }

  /** After each step. What cannot have changed since it was last looked at is not looked at again. */
  async check(): Promise<void> {
    for (const object of this.#world.touched) {
      await this.#hasItsAlarm(object);
      if (object.kind === "channel") this.#logIsDense(object);
    }
    this.#world.touched.clear();
    await this.#nobodyIsFalselyOffline();
    this.#whatWasToldIsStored();
    await this.#orders.check();
  }

  /** How many messages all channels hold. */
  get stored(): number {
    return [...this.#logs.values()].reduce((sum, { messages }) => sum + messages.length, 0);
  }

  /** After a turn, before anything else can happen. */
  turned(object: SimulatedObject): void {
    this.#limit.turned(object);
    if (object.alarm.at !== null && object.kind !== "relay") return;
    const open = [...object.sockets].filter(({ state }) => state === "open").length;
    const { RELAY_CAPACITY } = this.#world.settings;
    if (object.kind === "relay" && open > RELAY_CAPACITY)
      this.#fail(`limit: ${object} has ${open} open sockets, and room for ${RELAY_CAPACITY}`);
    if (object.alarm.at !== null) return;
    if (open > 0) this.#fail(`alarm alive: ${object} has no alarm, and ${open} open sockets`);
  }

  /** What a copy that has no alarm would set one for is work that nobody will ever come back to. */
  async #hasItsAlarm(object: SimulatedObject): Promise<void> {
    if (object.alarm.at !== null || this.#alarmless.get(object) === object.storage.version) return;
    this.#alarmless.set(object, object.storage.version);
    const { alarmAt } = await inspect(this.#world, object, async () => {});
    if (alarmAt !== null) this.#fail(`alarm alive: ${object} has no alarm, and something due at ${alarmAt}`);
  }

  /** A copy of each user's object is asked at every sixteenth step; what it must answer from is looked at always. */
  async #nobodyIsFalselyOffline(): Promise<void> {
    this.#steps += 1;
    const live = this.#crowd.live().filter((connection) => this.#mustLive(connection));
    for (const user of new Set(live.map((connection) => connection.user))) {
      const object = this.#world.object("user", user);
      if (this.#looksAsBefore(object)) continue;
      const isRead = this.#steps % 16 === 0;
      const { status } = isRead
        ? (await inspect(this.#world, object, (copy) => copy.presence({ kind: "back end" }))).result
        : presenceOf(this.#crowd.truth.facts(user));
      if (status !== "offline") continue;
      const sessions = live.filter((connection) => connection.user === user).map(({ session }) => session);
      this.#fail(`no false offline: ${user} is offline, and has the live sessions ${sessions.join(", ")}`);
    }
  }

  /** What a presence follows from: rows, sockets, and time in steps that are short beside a TTL. */
  #looksAsBefore(object: SimulatedObject): boolean {
    const now = Math.floor(this.#world.now / PRESENCE_STEP_MS);
    const look = `${object.storage.version} ${object.sockets.size} ${now}`;
    const before = this.#looks.get(object);
    this.#looks.set(object, look);
    return before === look;
  }

  /** Nobody has a reason to end this connection. Where few may live at once, an attempt ends older ones. */
  #mustLive(connection: SimulatedConnection): boolean {
    if (this.#world.now >= connection.expiresAt) return false;
    if (this.#crowd.orders.mayEnd(connection.sessionUse)) return false;
    const { user } = connection;
    const mine = this.#crowd.clients.filter((client) => client.user === user).length;
    // Sessions that the user's object has not heard the end of count too: twice as many is safe enough.
    if (this.#world.settings.MAX_SESSIONS_PER_USER >= 2 * mine) return true;
    return this.#crowd.newest.get(user) === connection;
  }

  #logIsDense(channel: SimulatedObject): void {
    if (this.#logVersions.get(channel) === channel.storage.version) return;
    this.#logVersions.set(channel, channel.storage.version);
    if (topOf(channel) === (this.#logs.get(channel.name)?.messages.length ?? 0)) return;
    const known = this.#logs.get(channel.name) ?? { epoch: "", messages: [] };
    const query = { after: known.messages.length, limit: MOST_PER_PAGE, order: "asc" } as const;
    const page = this.#logOf(channel).page(query, undefined);
    const more: Message[] = JSON.parse(page.messagesJson);
    if (known.messages.length > 0 && page.epoch !== known.epoch) {
      this.#fail(`dense and durable: the epoch of ${channel} changed`);
    }
    const offsets = more.map(({ offset }) => offset);
    const expected = more.map((_, i) => known.messages.length + 1 + i);
    if (offsets.join() !== expected.join()) {
      this.#fail(`dense and durable: ${channel} has the offsets ${offsets} after ${known.messages.length}`);
    }
    if (page.offset !== known.messages.length + more.length) {
      this.#fail(`dense and durable: ${channel} says ${page.offset}, and had ${known.messages.length}`);
    }
    this.#logs.set(channel.name, { epoch: page.epoch ?? "", messages: [...known.messages, ...more] });
  }

  /** As the channel itself would read it, from what is durable. */
  #logOf({ name, storage }: SimulatedObject): MessageLog {
    const ports = { sql: storage, clock: { now: () => this.#world.now }, random: this.#world.random };
    return new MessageLog(name, ports, this.#world.settings);
  }

  /** Every `ok` that reached a client, and every message that did, is in the log as it was told. */
  #whatWasToldIsStored(): void {
    const { acknowledged, delivered } = this.#crowd.ledger;
    for (const message of acknowledged.splice(0)) this.#isStored(message, "acknowledged");
    for (const message of delivered.splice(0)) this.#isStored(message, "delivered");
  }

  #isStored({ channel, epoch, offset, id, data }: KnownMessage, how: string): void {
    const log = this.#logs.get(channel);
    const stored = log?.messages[offset - 1];
    const same = stored?.id === id && JSON.stringify(stored.data) === JSON.stringify(data);
    if (same && (epoch === undefined || epoch === log?.epoch)) return;
    const has = stored === undefined ? "nothing" : `${stored.id} ${JSON.stringify(stored.data)}`;
    this.#fail(
      `dense and durable: ${channel} holds ${has} at ${offset}, where ${id} ${JSON.stringify(data)} was ${how}`,
    );
  }

  #fail(sentence: string): void {
    this.#world.journal.fail(sentence);
  }
}

/** The newest offset in the log, as it is stored. */
function topOf({ storage }: SimulatedObject): number {
  if (!storage.hasTables) return 0;
  return storage.all<{ top: number | null }>("SELECT max(offset) AS top FROM message")[0]?.top ?? 0;
}
