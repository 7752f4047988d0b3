import { mapAtMost } from "../../objects/at-most.ts";
import { type Compared, someOf } from "../../objects/auditing.ts";
import type { Log, Objects } from "../../objects/ports.ts";
import type { Subscription } from "./subscription-table.ts";

/** Channels that one audit asks. Each wakes an object. */
const MOST_COMPARED = 5;

/** A subscription that its channel must know, and how it is taken up there if that does not. */
export interface SettledSubscription extends Pick<Subscription, "session" | "channel" | "begun"> {
  heal(epoch: string): void;
}

/** Whether channels still know of what they were subscribed to: one that lost its storage says nothing, and is silent for ever. */
export class SubscriptionAudit {
  readonly #ports: { objects: Objects; log: Log };
  readonly #settled: () => SettledSubscription[];

  constructor(ports: { objects: Objects; log: Log }, settled: () => SettledSubscription[]) {
    this.#ports = ports;
    this.#settled = settled;
  }

  /** Of some channels. Nothing is written where all agree. */
  async compare(turn: number): Promise<Compared> {
    const compared = { differences: 0, removed: 0, unanswered: 0 };
    const channels = [...new Set(this.#settled().map(({ channel }) => channel))].sort();
    const asked = someOf(channels.length, MOST_COMPARED, turn).map((index) => channels[index] ?? "");
    await mapAtMost(MOST_COMPARED, asked, async (channel) => {
      try {
        compared.differences += await this.#compareWith(channel);
      } catch (cause) {
        this.#ports.log.warn("subscriptions not compared", {}, cause);
        compared.unanswered += 1;
      }
    });
    return compared;
  }

  /** What began while the channel was asked is another one. */
  async #compareWith(channel: string): Promise<number> {
    const port = this.#ports.objects.channel(channel);
    const before = this.#settled().filter((one) => one.channel === channel);
    const known = await port.lastActive(before.map(({ session }) => session));
    const lost = before.filter(({ session }) => known[session] === undefined);
    if (lost.length === 0) return 0;
    const { epoch } = await port.summary();
    const isLost = (one: SettledSubscription) =>
      lost.some(({ session, begun }) => one.session === session && one.begun === begun);
    const still = this.#settled().filter((one) => one.channel === channel && isLost(one));
    for (const { heal } of still) heal(epoch ?? "");
    return still.length;
  }
}
