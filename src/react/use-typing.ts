import { useEffect, useMemo } from "react";
import { useHub } from "./provider.ts";
import { NO_TYPISTS, type Room } from "./room.ts";
import { TypingSignals } from "./typing-signals.ts";
import { useRoomPart } from "./use-held.ts";

/** Who is typing in a channel, and the way to say that one is. */
export interface Typing {
  /** Other users, in the order in which they began. The same array until it is another. */
  users: readonly string[];
  /** A letter was typed: to be called at each. The others hear of it at most every three seconds. */
  started(): void;
  /** It was sent, or given up. Happens by itself after four seconds without a letter, and when unmounted. */
  stopped(): void;
}

const typists = (room: Room) => room.typists.users;

/** Typing in a channel, by the signals `typing.started` and `typing.stopped`: never stored, and costing no row. */
export function useTyping(channel: string): Typing {
  const hub = useHub();
  const users = useRoomPart(channel, typists, NO_TYPISTS);
  const signals = useMemo(
    () => new TypingSignals(hub.timers, (event) => hub.room(channel)?.channel.signal(event) ?? false),
    [hub, channel],
  );
  useEffect(() => () => signals.stopped(), [signals]);
  return useMemo(
    () => ({ users, started: () => signals.started(), stopped: () => signals.stopped() }),
    [users, signals],
  );
}
