import { mayUseChannel } from "../auth/grants.ts";
import type { Settings } from "../config.ts";
import { CallQueue } from "../connections/call-queue.ts";
import { type Connection, fromConnection } from "../connections/connection.ts";
import { sendError, sendOk } from "../connections/incoming.ts";
import { publishRequest, signalRequest } from "../objects/commands.ts";
import type { Caller, ChannelPort, Clock, Log, Objects, PublishRequest } from "../objects/ports.ts";
import { RateLimit } from "../objects/rate-limit.ts";
import type { Published } from "../protocol/bodies.ts";
import type { HistoryFrame, MembersFrame, PublishFrame, SignalFrame } from "../protocol/client-frames.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import { NEW_CHANNEL_OF_USER } from "../protocol/limits.ts";

type ChannelFrame = PublishFrame | SignalFrame | HistoryFrame | MembersFrame;
const NEEDS = { publish: "publish", signal: "signal", history: "history", members: "members" } as const;

/** Frames of a user's own connection that speak to a channel: granted here, carried out there. */
export class ChannelFrames {
  readonly #ports: { clock: Clock; objects: Objects; log: Log };
  readonly #settings: Settings;
  readonly #isLive: (connection: Connection) => boolean;
  readonly #calls = new CallQueue();
  /** Channels that begin with what this user says, over all its connections. In memory, as over HTTP. */
  readonly #newChannels: RateLimit;

  constructor(
    ports: { clock: Clock; objects: Objects; log: Log },
    settings: Settings,
    isLive: (connection: Connection) => boolean,
  ) {
    this.#ports = ports;
    this.#isLive = isLive;
    this.#settings = settings;
    const perMinute = settings.NEW_CHANNELS_PER_MINUTE;
    this.#newChannels = new RateLimit(perMinute / 60, perMinute, ports.clock.now());
  }

  /** In the order in which this connection says them. */
  async answer(connection: Connection, frame: ChannelFrame): Promise<void> {
    const answered = this.#calls.add(connection, () => this.#answer(connection, frame));
    if (answered !== undefined) return answered;
    sendError(connection, refusal("unavailable", "the channel is slow to answer; try again"), frame.ref);
  }

  async #answer(connection: Connection, frame: ChannelFrame): Promise<void> {
    if (!this.#isLive(connection)) return; // it ended while this waited: its claims count no more
    const result = await this.#carryOut(connection, frame);
    if (isRefusal(result)) sendError(connection, result, frame.ref);
    else if (frame.type !== "signal" || frame.ref !== undefined) sendOk(connection, frame.ref, result);
  }

  async #carryOut(connection: Connection, frame: ChannelFrame): Promise<Refusal | Record<string, unknown>> {
    if (frame.channel === undefined)
      return refusal("invalid_channel", "channel: required on a user connection");
    const { claims } = connection.state;
    if (!mayUseChannel(claims, NEEDS[frame.type], frame.channel, this.#settings.DEFAULT_GRANTS)) {
      return refusal("forbidden", `no grant to ${frame.type} on this channel`);
    }
    try {
      return await this.#call(this.#ports.objects.channel(frame.channel), connection, frame);
    } catch (cause) {
      this.#ports.log.warn("channel did not answer", { frame: frame.type }, cause);
      return refusal("unavailable", "the channel did not answer");
    }
  }

  /** Offset 1 tells that the channel's log began with it, as over HTTP. */
  async #publish(
    channel: ChannelPort,
    request: PublishRequest,
    caller: Caller,
  ): Promise<Published | Refusal> {
    const { clock } = this.#ports;
    const newAfterMs = this.#newChannels.waitMs(clock.now(), NEW_CHANNEL_OF_USER);
    const published = await channel.publish(newAfterMs > 0 ? { ...request, newAfterMs } : request, caller);
    if (!isRefusal(published) && published.offset === 1 && !published.duplicate)
      this.#newChannels.take(clock.now(), NEW_CHANNEL_OF_USER);
    return published;
  }

  async #call(
    channel: ChannelPort,
    connection: Connection,
    frame: ChannelFrame,
  ): Promise<Refusal | Record<string, unknown>> {
    const from = fromConnection(connection);
    const caller = { ...from, issuedAt: connection.state.claims.iat ?? null };
    switch (frame.type) {
      case "publish": {
        const request = publishRequest(frame, from, this.#settings);
        return isRefusal(request)
          ? request
          : { ...(await this.#publish(channel, { ...request, from }, caller)) };
      }
      case "signal": {
        const request = signalRequest(frame, from, this.#settings);
        if (isRefusal(request)) return request;
        return (await channel.signal(request, caller)) ?? {};
      }
      case "history": {
        const { type: _, ref: __, channel: ___, ...query } = frame;
        const page = await channel.history(query, caller);
        if (isRefusal(page)) return page;
        const { epoch, offset, messagesJson } = page;
        return { epoch, offset, messages: JSON.parse(messagesJson) };
      }
      case "members": {
        const { type: _, ref: __, channel: ___, ...query } = frame;
        const page = await channel.members(query, caller);
        if (isRefusal(page)) return page;
        const { count, members, cursor } = page;
        return { count, members, ...(cursor === undefined ? {} : { cursor }) };
      }
    }
  }
}
