import { useCallback } from "react";
import type { Presence, PresenceChange } from "../client/index.ts";
import { useHub } from "./provider.ts";
import { useConnection } from "./use-connection.ts";
import { usePresence } from "./use-presence.ts";

/** Says it, once the connection is open; resolves with what has come of it, over all sessions of this user. */
export type SetPresence = (change: PresenceChange) => Promise<Presence>;

/**
 * What this user looks like, over all devices, and the way to say something else: `status`, `text`, `emoji`,
 * `visibility`. It is said for this connection, unless the change has the scope `user`.
 */
export function useMyPresence(): [presence: Presence | undefined, set: SetPresence] {
  const hub = useHub();
  const { user } = useConnection();
  const presence = usePresence(user);
  const set = useCallback(
    async (change: PresenceChange) => {
      const client = await hub.opened();
      const said = await client.presence.set(change);
      hub.users.heard(said);
      return said;
    },
    [hub],
  );
  return [presence, set];
}
