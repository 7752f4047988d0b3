import type { KeeperName, KeeperPort, Objects } from "../../objects/ports.ts";
import type { SessionRow } from "./session-table.ts";

/** A keeper other than the user's own object. */
export type OtherKeeper = Extract<KeeperName, { kind: "channel" }>;

/** The object that holds the sockets: a channel's relay where it is at one, else the channel itself. */
export function keeperOf(objects: Objects, { channel, relay }: OtherKeeper): KeeperPort {
  return relay === undefined ? objects.channel(channel) : objects.relay(relay);
}

/** The ids of those that other objects keep, by the object that does. */
export function byKeeper(rows: readonly SessionRow[]): [keeper: OtherKeeper, sessions: string[]][] {
  const grouped = new Map<string, [OtherKeeper, string[]]>();
  for (const { keeper, session } of rows) {
    if (keeper.kind !== "channel") continue;
    const name = keeper.relay ?? keeper.channel; // no channel has the name of a relay
    const known = grouped.get(name);
    if (known === undefined) grouped.set(name, [keeper, [session]]);
    else known[1].push(session);
  }
  return [...grouped.values()];
}
