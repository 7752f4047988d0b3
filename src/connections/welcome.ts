import type { Settings } from "../config.ts";
import type { WelcomeFrame } from "../protocol/server-frames.ts";
import type { Connection } from "./connection.ts";

/** The first frame of every connection. A channel adds where the session stands, a user the inbox. */
export function welcomeFrame(connection: Connection, settings: Settings): WelcomeFrame {
  return {
    type: "welcome",
    session: connection.session,
    user: connection.user,
    protocol: 1,
    heartbeat: {
      intervalSeconds: settings.HEARTBEAT_INTERVAL_SECONDS,
      timeoutSeconds: settings.SESSION_TTL_SECONDS,
    },
    expiresAt: connection.state.claims.exp * 1000,
    limits: {
      maxFrameBytes: settings.MAX_FRAME_BYTES,
      maxDataBytes: settings.MAX_DATA_BYTES,
      ratePerSecond: settings.RATE_PER_SECOND,
      rateBurst: settings.RATE_BURST,
      maxSubscriptions: settings.MAX_SUBSCRIPTIONS,
      maxWatches: settings.MAX_WATCHES,
    },
  };
}
