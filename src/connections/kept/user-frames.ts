import { maySend } from "../../auth/grants.ts";
import type { Settings } from "../../config.ts";
import { signalRequest } from "../../objects/commands.ts";
import type { Background, Clock, Log, Objects } from "../../objects/ports.ts";
import type { HeartbeatFrame, PresenceFrame, SignalFrame } from "../../protocol/client-frames.ts";
import { isRefusal, type Refusal, refusal } from "../../protocol/codes.ts";
import type { Device } from "../../protocol/names.ts";
import { CallQueue } from "../call-queue.ts";
import { type Connection, fromConnection } from "../connection.ts";
import { sendError, sendOk } from "../incoming.ts";
import { SignalCalls } from "../signal-calls.ts";

type UserFrame = PresenceFrame | HeartbeatFrame;

/** What the channel has to say and do about its connections. */
interface UserFrameRules {
  isLive(connection: Connection): boolean;
  /** The client has another device now, and the user's object knows. */
  deviceChanged(connection: Connection, device: Device): void;
}

/**
 * Frames of a channel's own connections that speak of the user: carried out by the user's object, and answered
 * with what came of it. Where that does not answer, nothing is changed here, and the client may say it again.
 */
export class UserFrames {
  readonly #ports: { clock: Clock; objects: Objects; log: Log; background: Background };
  readonly #settings: Settings;
  readonly #rules: UserFrameRules;
  readonly #calls = new CallQueue();
  readonly #signals: SignalCalls;

  constructor(
    ports: { clock: Clock; objects: Objects; log: Log; background: Background },
    settings: Settings,
    rules: UserFrameRules,
  ) {
    this.#ports = ports;
    this.#settings = settings;
    this.#signals = new SignalCalls(ports);
    this.#rules = rules;
  }

  /** In the order in which this connection says them. A heartbeat that brings no device asks nobody. */
  async answer(connection: Connection, frame: UserFrame): Promise<void> {
    if (frame.type === "heartbeat" && frame.device === undefined) return sendOk(connection, frame.ref);
    const answered = this.#calls.add(connection, () => this.#answer(connection, frame));
    if (answered !== undefined) return answered;
    sendError(connection, refusal("unavailable", "the user is slow to answer; try again"), frame.ref);
  }

  /** A signal to a user: granted here, and said to that user's own object. */
  signal(connection: Connection, frame: SignalFrame, user: string): void {
    const mayBeSaid = maySend(connection.state.claims, user, this.#settings.DEFAULT_GRANTS);
    const request = mayBeSaid
      ? signalRequest(frame, fromConnection(connection), this.#settings)
      : refusal("forbidden", "no grant to send to this user");
    if (isRefusal(request)) return sendError(connection, request, frame.ref);
    this.#signals.send(user, request);
    if (frame.ref !== undefined) sendOk(connection, frame.ref);
  }

  async #answer(connection: Connection, frame: UserFrame): Promise<void> {
    if (!this.#rules.isLive(connection)) return; // it ended while this waited
    const result = await this.#carryOut(connection, frame);
    if (!this.#rules.isLive(connection)) return;
    if (isRefusal(result)) return sendError(connection, result, frame.ref);
    if (frame.type === "heartbeat" && frame.device !== undefined)
      this.#rules.deviceChanged(connection, frame.device);
    sendOk(connection, frame.ref, result);
  }

  async #carryOut(connection: Connection, frame: UserFrame): Promise<Refusal | Record<string, unknown>> {
    const { session } = connection;
    const user = this.#ports.objects.user(connection.user);
    try {
      if (frame.type === "presence") {
        const { type: _, ref: __, ...change } = frame;
        return { ...(await user.setPresence(change, session)) };
      }
      const { device } = frame;
      const isKnown = JSON.stringify(device) === JSON.stringify(connection.state.device);
      if (device !== undefined && !isKnown) await user.setDevice(session, device);
      return {};
    } catch (cause) {
      this.#ports.log.warn("user did not answer", { session, frame: frame.type }, cause);
      return refusal("unavailable", "the user's object did not answer; try again");
    }
  }
}
