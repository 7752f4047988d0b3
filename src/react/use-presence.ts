import { useCallback, useSyncExternalStore } from "react";
import type { Presence } from "../client/index.ts";
import { useHub } from "./provider.ts";

/**
 * The presence of a user, live: watched for as long as any component shows it. Undefined until it is known, where the
 * token forbids it (which `onError` of the provider hears), and for no user.
 */
export function usePresence(user: string | undefined): Presence | undefined {
  const hub = useHub();
  const subscribe = useCallback(
    (listener: () => void) => {
      if (user === undefined) return () => undefined;
      const connection = hub.hold();
      const watched = hub.users.hold(user);
      const stop = watched.value.presence.subscribe(listener);
      return () => {
        stop();
        watched.release();
        connection.release();
      };
    },
    [hub, user],
  );
  const current = () => (user === undefined ? undefined : hub.users.current(user)?.presence.get());
  return useSyncExternalStore(subscribe, current, () => undefined);
}
