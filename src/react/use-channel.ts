import { useEffect, useMemo } from "react";
import {
  type AnyEvents,
  type Channel,
  type ChannelState,
  type MessageOf,
  RollcallError,
  type SignalOf,
} from "../client/index.ts";
import { useHub } from "./provider.ts";
import { JOINING, type Room } from "./room.ts";
import { useRoomPart } from "./use-held.ts";
import { useLatest } from "./use-latest.ts";

/** What a component wants to hear of a channel without being rendered. May be other functions at each render. */
export interface ChannelHandlers<E = AnyEvents> {
  onMessage?: (message: MessageOf<E>) => void;
  onSignal?: (signal: SignalOf<E>) => void;
}

/** A channel as a component has it. The same object until its `state` is another. */
export interface ChannelInComponent<E = AnyEvents> {
  name: string;
  state: ChannelState;
  /** As of the SDK's channel; rejects with `not_connected` while the component is not mounted. */
  publish: Channel<E>["publish"];
  /** As of the SDK's channel; false where nothing was sent. */
  signal: Channel<E>["signal"];
  history: Channel<E>["history"];
}

const stateOf = (room: Room) => room.state;

/**
 * Joins a channel for as long as any component uses it: all of them share one subscription, and a moment after the last
 * has gone the channel is left.
 */
export function useChannel<E = AnyEvents>(
  name: string,
  handlers: ChannelHandlers<E> = {},
): ChannelInComponent<E> {
  const hub = useHub();
  const latest = useLatest(handlers);
  useEffect(() => {
    const { value: room, release } = hub.holdRoom(name);
    const channel = room.channel as unknown as Channel<E>; // the application's word for what is in it
    const stops = [
      channel.on("message", (message) => latest.current.onMessage?.(message)),
      channel.on("signal", (signal) => latest.current.onSignal?.(signal)),
    ];
    return () => {
      for (const stop of stops) stop();
      release();
    };
  }, [hub, name, latest]);
  const state = useRoomPart(name, stateOf, JOINING);
  return useMemo(() => {
    const channel = () => hub.room(name)?.channel as unknown as Channel<E> | undefined;
    const nowhere = () => Promise.reject(new RollcallError("not_connected", `not in ${name}`));
    return {
      name,
      state,
      publish: (...said) => channel()?.publish(...said) ?? nowhere(),
      signal: (...said) => channel()?.signal(...said) ?? false,
      history: (...asked) => channel()?.history(...asked) ?? nowhere(),
    };
  }, [hub, name, state]);
}
