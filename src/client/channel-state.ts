import type { RollcallError } from "./errors.ts";

/**
 * Where a channel stands.
 * - `joining`: the service is asked, or will be as soon as the connection is open.
 * - `open`: messages come. `recovered` is false where some between the last session and this one are lost, and
 *   on the first time.
 * - `waiting`: the connection is lost, or the service said "later"; it comes back by itself.
 * - `closed`: for good. `error` says why where it was not `leave` or `close`.
 */
export type ChannelState =
  | { name: "joining" }
  | { name: "open"; recovered: boolean }
  | { name: "waiting"; reason: string }
  | { name: "closed"; error?: RollcallError };

export type ChannelChange =
  | { type: "asked" }
  | { type: "stands"; recovered: boolean }
  | { type: "lost"; reason: string }
  | { type: "ended"; error: RollcallError | undefined };

/** The next state. Pure; a change that means nothing in a state leaves it as it is (the same object). */
export function channelStep(state: ChannelState, change: ChannelChange): ChannelState {
  if (state.name === "closed") return state;
  switch (change.type) {
    case "asked":
      // Who is open and asks only makes sure that nothing was missed.
      return state.name === "waiting" ? { name: "joining" } : state;
    case "stands":
      return state.name === "open" && change.recovered
        ? state
        : { name: "open", recovered: change.recovered };
    case "lost":
      return { name: "waiting", reason: change.reason };
    case "ended":
      return { name: "closed", ...(change.error && { error: change.error }) };
    default:
      return change satisfies never;
  }
}
