import { useEffect, useMemo } from "react";
import type { AnyEvents, MessageOf } from "../client/index.ts";
import { useHub } from "./provider.ts";
import { NOTHING, type Room } from "./room.ts";
import { useRoomPart } from "./use-held.ts";

/** As many as a screen shows. */
const DEFAULT_LAST = 50;

const messages = (room: Room) => room.list.messages;

/**
 * The newest `last` messages of a channel (1-1000, default 50), in order, and each that comes. Those from before the
 * component came need the grant `history`. The same array until there is another message.
 */
export function useMessages<E = AnyEvents>(
  channel: string,
  { last = DEFAULT_LAST } = {},
): readonly MessageOf<E>[] {
  const hub = useHub();
  useEffect(() => {
    const { value, release } = hub.holdRoom(channel);
    value.list.want(last);
    return release;
  }, [hub, channel, last]);
  const all = useRoomPart(channel, messages, NOTHING);
  // What the application says is in it, it has said itself.
  return useMemo(() => all.slice(-last) as unknown as MessageOf<E>[], [all, last]);
}
