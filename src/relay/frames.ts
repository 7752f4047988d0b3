import type { Settings } from "../config.ts";
import { type Connection, fromConnection } from "../connections/connection.ts";
import { sendError, sendOk } from "../connections/incoming.ts";
import { type ChannelFrame, type ChannelGrants, notHere } from "../connections/kept/channel-grants.ts";
import type { FrameToChannel } from "../connections/kept/reception.ts";
import { publishRequest, signalRequest } from "../objects/commands.ts";
import type { Log } from "../objects/ports.ts";
import type { Entering } from "../objects/relaying.ts";
import type { SubscribeFrame } from "../protocol/client-frames.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import type { Stands } from "./stands.ts";
import type { Upward } from "./upward.ts";

type Answer = Refusal | Record<string, unknown>;

interface FrameRules {
  isLive(connection: Connection): boolean;
  /** Where this connection stands can't be said: it has to begin anew. */
  lost(connection: Connection): void;
}

/**
 * Frames that a relay's connections say to their channel: granted here, carried out there. What one connection asks
 * arrives in the order in which it was asked, for only one call is under way; an answer says so where none came.
 */
export class RelayFrames {
  readonly #log: Log;
  readonly #settings: Settings;
  readonly #rooms: { grants: ChannelGrants; upward: Upward; stands: Stands };
  readonly #rules: FrameRules;

  constructor(
    log: Log,
    settings: Settings,
    rooms: { grants: ChannelGrants; upward: Upward; stands: Stands },
    rules: FrameRules,
  ) {
    this.#log = log;
    this.#settings = settings;
    this.#rooms = rooms;
    this.#rules = rules;
  }

  async answer(connection: Connection, frame: FrameToChannel): Promise<void> {
    switch (frame.type) {
      case "publish":
      case "signal":
      case "history":
      case "members": {
        const refused = this.#rooms.grants.refusalOf(connection, frame);
        const answer = refused ?? (await this.#answered(connection, () => this.#carryOut(connection, frame)));
        if (!this.#rules.isLive(connection)) return;
        if (isRefusal(answer)) return sendError(connection, answer, frame.ref);
        if (frame.type !== "signal" || frame.ref !== undefined) sendOk(connection, frame.ref, answer);
        return;
      }
      case "subscribe":
        return this.#check(connection, frame);
      case "watch":
      case "unwatch":
      case "unsubscribe":
      case "send":
      case "ack":
        return sendError(connection, notHere(frame), frame.ref);
    }
  }

  /** Was anything missed? Answered as on connecting, and what was missed is told again. */
  async #check(connection: Connection, frame: SubscribeFrame): Promise<void> {
    const { ref, epoch, offset, rewind = 0 } = frame;
    const refused = this.#rooms.grants.refusalOfCheck(connection, frame);
    if (refused !== undefined) return sendError(connection, refused, ref);
    const recover = epoch === undefined || offset === undefined ? undefined : { epoch, offset };
    const mayHistory = this.#rooms.grants.mayUse(connection, "history");
    const asked = this.#rooms.stands.toAsk({ ...(recover && { recover }), rewind, mayHistory });
    const entering: Entering = { ...speakerOf(connection), ...asked };
    const answer = await this.#answered(connection, () =>
      this.#rooms.upward.ask<"stand">({ is: "stand", entering }),
    );
    if (!this.#rules.isLive(connection)) return;
    if (isRefusal(answer)) return sendError(connection, answer, ref);
    if (isRefusal(answer.place)) return sendError(connection, answer.place, ref);
    const head = { type: "subscribed" as const, ...(ref === undefined ? {} : { ref }) };
    const { place, standing } = answer;
    const isAsked = asked.wanted !== undefined;
    if (!this.#rooms.stands.tell(connection, head, { recover, isAsked }, { place, standing })) {
      this.#rules.lost(connection);
    }
  }

  /** What came of asking the channel, or that it did not answer. */
  async #answered<Result>(
    { session }: Connection,
    ask: () => Promise<Result | Refusal>,
  ): Promise<Result | Refusal> {
    try {
      return await ask();
    } catch (cause) {
      this.#log.warn("channel did not answer a client", { session }, cause);
      return refusal("unavailable", "the channel did not answer; try again");
    }
  }

  async #carryOut(connection: Connection, frame: ChannelFrame): Promise<Answer> {
    const { upward } = this.#rooms;
    const caller = speakerOf(connection);
    const from = fromConnection(connection);
    switch (frame.type) {
      case "publish": {
        const request = publishRequest(frame, from, this.#settings);
        if (isRefusal(request)) return request;
        const asked = { is: "publish", request: { ...request, from }, caller } as const;
        return { ...(await upward.ask<"publish">(asked)).published };
      }
      case "signal": {
        const request = signalRequest(frame, from, this.#settings);
        if (isRefusal(request)) return request;
        return (await upward.ask<"signal">({ is: "signal", request, caller })).refused ?? {};
      }
      case "history": {
        const { after, before, limit, order } = frame;
        const range = { ...(after !== undefined && { after }), ...(before !== undefined && { before }) };
        const query = { ...range, limit, order };
        const { page } = await upward.ask<"history">({ is: "history", query, caller });
        if (isRefusal(page)) return page;
        return { epoch: page.epoch, offset: page.offset, messages: JSON.parse(page.messagesJson) };
      }
      case "members": {
        const query = { ...(frame.cursor !== undefined && { cursor: frame.cursor }), limit: frame.limit };
        const { page } = await upward.ask<"members">({ is: "members", query, caller });
        if (isRefusal(page)) return page;
        const { count, members, cursor } = page;
        return { count, members, ...(cursor === undefined ? {} : { cursor }) };
      }
    }
  }
}

/** In whose name a connection asks. */
function speakerOf({ user, session, state }: Connection): Omit<Entering, "wanted"> {
  const { id } = state.device;
  const who = { user, session, issuedAt: state.claims.iat ?? null };
  return id === undefined ? who : { ...who, device: id };
}
