import { maySend } from "../../auth/grants.ts";
import type { Settings } from "../../config.ts";
import { CallQueue } from "../../connections/call-queue.ts";
import { type Connection, fromConnection } from "../../connections/connection.ts";
import { sendError, sendOk } from "../../connections/incoming.ts";
import { SignalCalls } from "../../connections/signal-calls.ts";
import { directRequest, signalRequest } from "../../objects/commands.ts";
import type { InboxPort } from "../../objects/inbox-port.ts";
import type { Ports } from "../../objects/ports.ts";
import type { AckFrame, SendFrame, SignalFrame } from "../../protocol/client-frames.ts";
import { isRefusal, type Refusal, refusal } from "../../protocol/codes.ts";
import type { Directs } from "./directs.ts";

/** A signal that names a user. */
export type UserSignal = SignalFrame & { user: string };

/** Frames of a user's own connections about direct messages, and signals to users: granted here. */
export class DirectFrames {
  readonly #ports: Ports;
  readonly #settings: Settings;
  readonly #about: { name: string; directs: Directs; isLive(connection: Connection): boolean };
  readonly #queue = new CallQueue();
  readonly #signals: SignalCalls;

  constructor(
    ports: Ports,
    settings: Settings,
    about: { name: string; directs: Directs; isLive(connection: Connection): boolean },
  ) {
    this.#ports = ports;
    this.#settings = settings;
    this.#about = about;
    this.#signals = new SignalCalls(ports);
  }

  async answer(connection: Connection, frame: SendFrame | AckFrame | UserSignal): Promise<void> {
    switch (frame.type) {
      case "ack":
        return this.#about.directs.acknowledged(connection, frame.seq);
      case "signal":
        return this.#signal(connection, frame);
      case "send": {
        const answered = this.#queue.add(connection, () => this.#send(connection, frame));
        if (answered === undefined)
          sendError(connection, refusal("unavailable", "too much waits"), frame.ref);
        return answered;
      }
    }
  }

  /** In the order in which this connection says them. */
  async #send(connection: Connection, frame: SendFrame): Promise<void> {
    if (!this.#about.isLive(connection)) return; // it ended while this waited: its claims count no more
    const sent = await this.#carryOut(connection, frame);
    if (isRefusal(sent)) sendError(connection, sent, frame.ref);
    else sendOk(connection, frame.ref, sent);
  }

  /** To how many sessions it went is left out: that would betray the invisible. */
  async #carryOut(connection: Connection, frame: SendFrame): Promise<Refusal | Record<string, unknown>> {
    const refused = this.#refusalFor(connection, frame.user);
    if (refused !== undefined) return refused;
    const from = fromConnection(connection);
    const request = directRequest(frame, from, this.#settings);
    if (isRefusal(request)) return request;
    try {
      const sent = await this.#inboxOf(frame.user).send({ ...request, from });
      if (isRefusal(sent)) return sent;
      const { delivered: _, ...told } = sent;
      return told;
    } catch (cause) {
      this.#ports.log.warn("recipient did not answer", { session: connection.session }, cause);
      return refusal("unavailable", "the user's object did not answer; try again with the same key");
    }
  }

  #signal(connection: Connection, frame: UserSignal): void {
    const refused = this.#refusalFor(connection, frame.user);
    const request = refused ?? signalRequest(frame, fromConnection(connection), this.#settings);
    if (isRefusal(request)) return sendError(connection, request, frame.ref);
    if (frame.user === this.#about.name) this.#about.directs.signal(request);
    else this.#signals.send(frame.user, request);
    if (frame.ref !== undefined) sendOk(connection, frame.ref);
  }

  #refusalFor({ state }: Connection, user: string): Refusal | undefined {
    if (maySend(state.claims, user, this.#settings.DEFAULT_GRANTS)) return undefined;
    return refusal("forbidden", "no grant to send to this user");
  }

  /** One's own without a call: an object that awaited itself could wait for ever. */
  #inboxOf(user: string): { send(...args: Parameters<InboxPort["send"]>): ReturnType<InboxPort["send"]> } {
    const { name, directs } = this.#about;
    return user === name
      ? { send: async (request) => directs.send(request) }
      : this.#ports.objects.user(user);
  }
}
