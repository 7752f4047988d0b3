import type { Settings } from "../../config.ts";
import type { Allowance, AllowRequest, Ports, Socket } from "../../objects/ports.ts";
import type { AuthFrame, ClientFrame, HeartbeatFrame, PresenceFrame } from "../../protocol/client-frames.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import type { Device } from "../../protocol/names.ts";
import { answerEach } from "../answers.ts";
import type { Connection } from "../connection.ts";
import type { Connections } from "../connections.ts";
import { Renewals } from "../renewals.ts";
import type { Sweep } from "../sweep.ts";
import { ActivityReports } from "./activity-reports.ts";
import type { CatchUp } from "./catch-up.ts";
import type { ChannelGrants } from "./channel-grants.ts";
import type { Endings } from "./endings.ts";
import type { KeptMembers } from "./kept-members.ts";
import type { KeptSessions } from "./kept-sessions.ts";
import { UserFrames } from "./user-frames.ts";

/** Frames that the channel answers. The others are for the user's object, or about the connection itself. */
export type FrameToChannel = Exclude<ClientFrame, AuthFrame | HeartbeatFrame | PresenceFrame>;

interface Rooms {
  connections: Connections;
  sessions: KeptSessions;
  members: KeptMembers;
  grants: ChannelGrants;
  catchUp: CatchUp;
  endings: Endings;
  sweep: Sweep;
  frames: { answer(connection: Connection, frame: FrameToChannel): Promise<void> | void };
}

interface ReceptionRules {
  /** Whether a new token of this user may be used here. */
  allow(user: string, request: AllowRequest): Promise<Allowance>;
  /** After a change: of a member, or of when something is due. */
  settle(): void;
}

/** What the clients of a channel's connections send, and that they have gone, whichever object keeps them. */
export class Reception {
  readonly #ports: Ports;
  readonly #rooms: Rooms;
  readonly #rules: ReceptionRules;
  readonly #activity: ActivityReports;
  readonly #renewals: Renewals;
  readonly #userFrames: UserFrames;

  constructor(ports: Ports, settings: Settings, rooms: Rooms, rules: ReceptionRules) {
    const { connections } = rooms;
    this.#ports = ports;
    this.#rooms = rooms;
    this.#rules = rules;
    this.#activity = new ActivityReports(ports, settings);
    this.#renewals = new Renewals(ports, connections, {
      allow: (user, request) => rules.allow(user, request),
      renewed: (connection) => this.#renewed(connection),
    });
    this.#userFrames = new UserFrames(ports, settings, {
      isLive: (connection) => connections.find(connection.session) === connection,
      deviceChanged: (connection, device) => this.#setDevice(connection, device),
    });
  }

  async received(socket: Socket, data: string | ArrayBuffer): Promise<void> {
    const { connections, catchUp, endings } = this.#rooms;
    const connection = connections.of(socket);
    if (connection === undefined) return; // ended by us while this frame was on its way
    const { activeAt } = connection;
    const { messages, end } = connections.read(connection, data);
    this.#activity.heard(connection, activeAt);
    for (const frame of messages) catchUp.heard(connection, frame);
    const answers = answerEach(connection, messages, this.#answer, this.#ports.log);
    if (end !== undefined) endings.endConnection(connection, end.code, end.text, "protocol");
    await answers;
  }

  closed(socket: Socket): void {
    const { connections, endings } = this.#rooms;
    const connection = connections.of(socket);
    if (connection === undefined) return; // its session ended before, by a sweep, an operator or an error
    connections.drop(connection);
    endings.end(connection.session, "closed");
  }

  readonly #answer = (connection: Connection, frame: ClientFrame): Promise<void> | void => {
    switch (frame.type) {
      case "auth":
        return this.#renewals.answer(connection, frame);
      case "presence":
      case "heartbeat":
        return this.#userFrames.answer(connection, frame);
      case "signal":
        if (frame.user !== undefined) return this.#userFrames.signal(connection, frame, frame.user);
        return this.#rooms.frames.answer(connection, frame);
      default:
        return this.#rooms.frames.answer(connection, frame);
    }
  };

  /** New claims: a connection whose user may not subscribe any more ends. */
  #renewed(connection: Connection): void {
    const { grants, endings, sweep } = this.#rooms;
    sweep.watch(connection);
    if (!grants.mayUse(connection, "subscribe"))
      endings.endConnection(connection, CLOSE.ended, "access withdrawn", "ended");
    this.#rules.settle();
  }

  #setDevice(connection: Connection, device: Device): void {
    const { sessions, members } = this.#rooms;
    connection.update({ device });
    const row = sessions.setDevice(connection.session, device, this.#ports.clock.now());
    if (row !== undefined) members.put(row);
    this.#rules.settle();
  }
}
