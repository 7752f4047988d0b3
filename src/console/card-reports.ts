import type { Connection } from "../client/index.ts";
import type { CardHandlers } from "./card-handlers.ts";
import type { FaultPanel } from "./fault-panel.ts";
import { tellHappenings } from "./happenings.ts";

/** Tells the page what the own connection of a card of `user` hears and goes through. */
export function reportConnection(connection: Connection, user: string, handlers: CardHandlers): void {
  reportBeside(connection, handlers);
  tellHappenings(connection, user, handlers.happened);
  connection.on("members", ({ left }) => {
    for (const member of left) handlers.sawGone(member.user);
  });
}

/** Likewise of a connection that a card has beside its own: who is gone, and no more. */
export function reportBeside(connection: Connection, { connected, sawGone }: CardHandlers): void {
  connected(connection);
  connection.on("presence", ({ user, status }) => {
    if (status === "offline") sawGone(user);
  });
}

/** Tells the story of a fault that the connection is back, or closed for good. */
export function tellFaults(connection: Connection, faults: FaultPanel): void {
  let wasThere = false;
  connection.on("welcome", ({ recovered, messages = [] }) => {
    const missed = messages.filter((message) => !("skipped" in message)).length;
    if (wasThere) faults.note({ type: "back", recovered: recovered === false ? undefined : missed });
    wasThere = true;
  });
  connection.on("status", (state) => {
    if (state.name === "closed" && state.code !== 1000) faults.note({ type: "closed", code: state.code });
  });
}

/** Whether who has this connection sees the person: among those in `channel`, or among those it watches. */
export function sees(connection: Connection, user: string, channel: string | undefined): boolean {
  if (connection.state.name !== "open") return false;
  const isInChannel =
    channel !== undefined && connection.channelName === channel && connection.roster.has(user);
  return isInChannel || (connection.presence.of(user)?.status ?? "offline") !== "offline";
}
