import type { Connection } from "../connections/connection.ts";
import { sendError, sendOk } from "../connections/incoming.ts";
import type { Renewals } from "../connections/renewals.ts";
import type { ClientFrame, HeartbeatFrame, PresenceFrame, SignalFrame } from "../protocol/client-frames.ts";
import type { ChannelFrames } from "./channel-frames.ts";
import type { DirectFrames, UserSignal } from "./inbox/direct-frames.ts";
import type { Directs } from "./inbox/directs.ts";
import type { Sessions } from "./presence/sessions.ts";
import type { Statuses } from "./presence/statuses.ts";
import type { View } from "./presence/view.ts";
import type { Subscribing } from "./subscriptions/subscribing.ts";
import type { WatchFrames } from "./watching/watch-frames.ts";

interface Rooms {
  sessions: Sessions;
  statuses: Statuses;
  view: View;
  renewals: Renewals;
  channels: ChannelFrames;
  watches: WatchFrames;
  subscribing: Subscribing;
  directs: Directs;
  directFrames: DirectFrames;
}

/** Where each frame of a user's own connection is answered. */
export class OwnFrames {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  async answer(connection: Connection, frame: ClientFrame): Promise<void> {
    switch (frame.type) {
      case "heartbeat":
        return this.#answerHeartbeat(connection, frame);
      case "auth":
        return this.#rooms.renewals.answer(connection, frame);
      case "presence":
        return this.#answerPresence(connection, frame);
      case "send":
      case "ack":
        return this.#rooms.directFrames.answer(connection, frame);
      case "signal":
        return isForUser(frame)
          ? this.#rooms.directFrames.answer(connection, frame)
          : this.#rooms.channels.answer(connection, frame);
      case "publish":
      case "history":
      case "members":
        return this.#rooms.channels.answer(connection, frame);
      case "watch":
      case "unwatch":
        return this.#rooms.watches.answer(connection, frame);
      case "subscribe":
      case "unsubscribe":
        return this.#rooms.subscribing.frames.answer(connection, frame);
    }
  }

  #answerHeartbeat(connection: Connection, { ref, n, device }: HeartbeatFrame): void {
    if (n !== undefined) this.#rooms.subscribing.heard(connection, n);
    const before = connection.state.device;
    if (device !== undefined && JSON.stringify(device) !== JSON.stringify(before)) {
      connection.update({ device });
      this.#rooms.sessions.setDevice(connection.session, device);
      this.#rooms.subscribing.deviceChanged(connection.session);
      if (device.id !== before.id) this.#rooms.directs.deviceChanged(connection);
    }
    sendOk(connection, ref);
  }

  #answerPresence(connection: Connection, { ref, type: _, ...change }: PresenceFrame): void {
    const refused = this.#rooms.statuses.set(change, connection.session);
    if (refused !== undefined) sendError(connection, refused, ref);
    else sendOk(connection, ref, { ...this.#rooms.view.for({ kind: "back end" }) });
  }
}

function isForUser(frame: SignalFrame): frame is UserSignal {
  return frame.user !== undefined;
}
