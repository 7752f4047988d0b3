import type { RollcallError } from "./errors.ts";
import type { IncomingFrame } from "./frames.ts";
import { errorOf } from "./requests.ts";
import { LiveSubscription, type SubscribeOptions, type SubscriptionSetup } from "./subscription.ts";

/** All channels that one connection is subscribed to. */
export class Subscriptions {
  readonly #setup: Omit<SubscriptionSetup, "over"> & { failed(error: RollcallError): void };
  readonly #byChannel = new Map<string, LiveSubscription>();

  constructor(setup: Omit<SubscriptionSetup, "over"> & { failed(error: RollcallError): void }) {
    this.#setup = setup;
  }

  /** The subscription to this channel, begun now if there is none; `options` count where it begins. */
  subscribe(channel: string, options: SubscribeOptions): LiveSubscription {
    const known = this.#byChannel.get(channel);
    if (known !== undefined) return known;
    const subscription: LiveSubscription = new LiveSubscription(channel, options, {
      ...this.#setup,
      over: (error) => {
        if (this.#byChannel.get(channel) === subscription) this.#byChannel.delete(channel);
        if (error !== undefined) this.#setup.failed(error);
      },
    });
    this.#byChannel.set(channel, subscription);
    subscription.opened();
    return subscription;
  }

  /** A new session, which is subscribed to nothing. */
  opened(): void {
    for (const subscription of this.#byChannel.values()) {
      subscription.ended();
      subscription.opened();
    }
  }

  /** Whether a frame was about a subscription, and about nothing else. */
  received(frame: IncomingFrame): boolean {
    const channel = "channel" in frame && typeof frame.channel === "string" ? frame.channel : "";
    const subscription = this.#byChannel.get(channel);
    if (subscription === undefined) return false;
    switch (frame.type) {
      case "subscribed":
        subscription.stands(frame);
        return true;
      case "members":
        subscription.rosterChanged(frame);
        return true;
      case "message":
        subscription.told(frame);
        return true;
      case "signal":
        subscription.signalled(frame);
        return false;
      case "error":
        subscription.ended(errorOf(frame));
        return true;
      default:
        return false;
    }
  }
}
