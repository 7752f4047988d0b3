import { useCallback, useSyncExternalStore } from "react";
import type { Cell } from "./cell.ts";
import type { Hub } from "./hub.ts";
import { useHub } from "./provider.ts";
import type { Room } from "./room.ts";

/**
 * What `pick` shows of a channel, which is held while the component is mounted. `nothing` is shown until then and on a
 * server. `pick` has to be the same function at each render.
 */
export function useRoomPart<S>(name: string, pick: (room: Room) => Cell<S>, nothing: S): S {
  const hub = useHub();
  const subscribe = useCallback(
    (listener: () => void) => {
      const room = hub.holdRoom(name);
      const stop = pick(room.value).subscribe(listener);
      return () => {
        stop();
        room.release();
      };
    },
    [hub, name, pick],
  );
  const current = () => {
    const room = hub.room(name);
    return room === undefined ? nothing : pick(room).get();
  };
  return useSyncExternalStore(subscribe, current, () => nothing);
}

/** A cell of the hub itself, likewise. */
export function useHubPart<S>(pick: (hub: Hub) => Cell<S>, nothing: S): S {
  const hub = useHub();
  const subscribe = useCallback(
    (listener: () => void) => {
      const connection = hub.hold();
      const stop = pick(hub).subscribe(listener);
      return () => {
        stop();
        connection.release();
      };
    },
    [hub, pick],
  );
  return useSyncExternalStore(
    subscribe,
    () => pick(hub).get(),
    () => nothing,
  );
}
