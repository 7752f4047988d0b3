import type { Crowd } from "./clients.ts";
import { granted } from "./granted.ts";
import { inspect } from "./inspection.ts";
import type { Order } from "./orders.ts";
import type { World } from "./world.ts";

/** What a keeper did has reached its client by then, without any fault. */
const TOLD_WITHIN_MS = 100;
/** Longer than any grace: whoever is in a roster then is there for another reason. */
const REMEMBERED_MS = 10_000;
/** The contract: an open session ends at `exp` plus the leeway, within 5 s. */
const EXPIRES_WITHIN_MS = 5_000;

/** What must hold after an order that was acknowledged, and after the end of a token. Notes what is wrong. */
export class OrderInvariants {
  readonly #world: World;
  readonly #crowd: Crowd;

  constructor(world: World, crowd: Crowd) {
    this.#world = world;
    this.#crowd = crowd;
  }

  async check(): Promise<void> {
    this.#endedAtTheirKeeper();
    this.#expiredInTime();
    for (const order of this.#crowd.orders.given) {
      if (order.is === "removed" && (order.doneAt ?? 0) > this.#world.now - REMEMBERED_MS) {
        await this.#hasLeft(order);
      }
    }
  }

  /** A keeper that ends its own sessions needs no other object for it: no fault can keep them alive. */
  #endedAtTheirKeeper(): void {
    const by = this.#world.now - TOLD_WITHIN_MS;
    for (const { sessionUse, keeper } of this.#crowd.live()) {
      if (keeper?.kind === "relay") continue; // it is told by others of every order
      if (!this.#crowd.orders.mustBeOverAtItsKeeper(sessionUse, by)) continue;
      this.#fail(`orders: session ${sessionUse.session} of ${sessionUse.user} lives on at its keeper`);
    }
  }

  /** Only an alarm that the platform is late with may keep a session beyond its token. */
  #expiredInTime(): void {
    const leewayMs = this.#world.settings.CLOCK_LEEWAY_SECONDS * 1000;
    for (const { user, session, keeper, expiresAt } of this.#crowd.live()) {
      if (keeper === undefined) continue;
      const { alarm } = keeper;
      const since = Math.max(expiresAt + leewayMs, alarm.punctualSince);
      if (this.#world.now <= since + EXPIRES_WITHIN_MS) continue;
      this.#fail(`expiry: session ${session} of ${user} outlives its token of ${expiresAt}`);
    }
  }

  /** Sent away is gone at once, until a newer token comes. */
  async #hasLeft({ user, channel = "", at }: Order): Promise<void> {
    const since = at - TOLD_WITHIN_MS;
    const hasTriedSince = this.#crowd.clients.some(
      (client) => client.user === user && client.target.name === channel && client.triedAt >= since,
    );
    const hasAskedSince = this.#crowd.seen.some(
      (connection) => connection.user === user && (connection.subscribed.triedAt.get(channel) ?? 0) >= since,
    );
    if (hasTriedSince || hasAskedSince) return;
    const object = this.#world.object("channel", channel);
    const { result } = await inspect(this.#world, object, async (copy) =>
      granted(await copy.members({ limit: 1000 })),
    );
    if (!result.members.some((member) => member.user === user)) return;
    this.#fail(`orders: ${user} was removed, and is a member of ${channel}`);
  }

  #fail(sentence: string): void {
    this.#world.journal.fail(sentence);
  }
}
