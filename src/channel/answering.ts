import type { Settings } from "../config.ts";
import type { Connection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import { UserFrames } from "../connections/kept/user-frames.ts";
import { Renewals } from "../connections/renewals.ts";
import type { Ports } from "../objects/ports.ts";
import type { ClientFrame } from "../protocol/client-frames.ts";
import type { Device } from "../protocol/names.ts";
import { ChannelFrames } from "./frames.ts";
import type { Removals } from "./removals.ts";
import type { Members } from "./roster/members.ts";
import type { Talk } from "./talk.ts";

interface About {
  channel: string;
  settings: Settings;
  connections: Connections;
  removals: Removals;
  members: Members;
  talk: Talk;
}

interface AnsweringRules {
  /** It has new claims. */
  renewed(connection: Connection): void;
  deviceChanged(connection: Connection, device: Device): void;
}

/** Answers one frame of a connection of the channel's own. */
export type Answer = (connection: Connection, frame: ClientFrame) => Promise<void> | void;

/** Who answers which frame of the channel's own connections. */
export function answering(ports: Ports, about: About, rules: AnsweringRules): Answer {
  const { channel, settings, connections, removals, members, talk } = about;
  const renewals = new Renewals(ports, connections, {
    allow: async (user, request) => {
      const refused = removals.refusalOf({ user, issuedAt: request.issuedAt });
      return refused ? { allowed: false, refused } : ports.objects.user(user).allow(request);
    },
    renewed: rules.renewed,
  });
  const userFrames = new UserFrames(ports, settings, {
    isLive: (connection) => connections.find(connection.session) === connection,
    deviceChanged: rules.deviceChanged,
  });
  const frames = new ChannelFrames(channel, settings, { ...talk, members });
  return (connection, frame) => {
    switch (frame.type) {
      case "auth":
        return renewals.answer(connection, frame);
      case "presence":
      case "heartbeat":
        return userFrames.answer(connection, frame);
      case "signal":
        if (frame.user !== undefined) return userFrames.signal(connection, frame, frame.user);
        return frames.answer(connection, frame);
      default:
        return frames.answer(connection, frame);
    }
  };
}
