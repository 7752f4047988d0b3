import { mayUseChannel } from "../../auth/grants.ts";
import type { Settings } from "../../config.ts";
import type { Capability, Claims } from "../../protocol/claims.ts";
import type { ClientFrame, SubscribeFrame } from "../../protocol/client-frames.ts";
import { type Refusal, refusal } from "../../protocol/codes.ts";
import type { Connection } from "../connection.ts";

/** Frames that one channel answers, for whoever has the grant of the same name. */
export type ChannelFrame = ClientFrame & { type: "publish" | "signal" | "history" | "members" };

/** What connections of one channel may do there. */
export class ChannelGrants {
  readonly #channel: string;
  readonly #settings: Settings;

  constructor(channel: string, settings: Settings) {
    this.#channel = channel;
    this.#settings = settings;
  }

  /** Decided once for the claims of this connection: every frame about the roster asks all. */
  mayUse(connection: Connection, capability: Capability): boolean {
    return connection.may(capability, (claims) => this.allows(claims, capability));
  }

  allows(claims: Claims, capability: Capability): boolean {
    return mayUseChannel(claims, capability, this.#channel, this.#settings.DEFAULT_GRANTS);
  }

  /** Why this connection may not say this here. */
  refusalOf(connection: Connection, frame: ChannelFrame): Refusal | undefined {
    if (this.#isElsewhere(frame.channel)) return elsewhere();
    if (this.mayUse(connection, frame.type)) return undefined;
    return refusal("forbidden", `no grant to ${frame.type} on this channel`);
  }

  /** Why it may not ask whether it has missed anything. */
  refusalOfCheck(connection: Connection, { channel, rewind = 0 }: SubscribeFrame): Refusal | undefined {
    if (this.#isElsewhere(channel)) return elsewhere();
    if (!this.mayUse(connection, "subscribe"))
      return refusal("forbidden", "no grant to subscribe to this channel");
    const message = `at most ${this.#settings.HISTORY_SIZE}`;
    if (rewind > this.#settings.HISTORY_SIZE)
      return refusal("bad_request", `rewind: ${message}`, [{ path: "rewind", message }]);
    return rewind > 0 && !this.mayUse(connection, "history")
      ? refusal("forbidden", "rewind: no grant to history on this channel")
      : undefined;
  }

  #isElsewhere(channel: string | undefined): boolean {
    return channel !== undefined && channel !== this.#channel;
  }
}

/** Why a channel connection does not answer this frame. */
export function notHere({ type }: ClientFrame): Refusal {
  return refusal("bad_request", `a user connection is needed to ${type}`);
}

function elsewhere(): Refusal {
  return refusal("bad_request", "channel: this connection is to another channel");
}
