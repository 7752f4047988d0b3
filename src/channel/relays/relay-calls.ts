import type { Caller, Clock, Log, LogPage } from "../../objects/ports.ts";
import type { Entering, Place, RelayReply, RelayRequest, Standing } from "../../objects/relaying.ts";
import type { MemberPage, MessageQuery, Published } from "../../protocol/bodies.ts";
import { isRefusal, type Refusal, refusal } from "../../protocol/codes.ts";
import { firstPage } from "../log/first-page.ts";
import type { MessageLog } from "../log/message-log.ts";
import { frameOf } from "../log/message-text.ts";
import type { Messages } from "../log/messages.ts";
import type { Members } from "../roster/members.ts";

const ROWS_PER_PAGE = 500;
const FAILED: Refusal = refusal("internal", "something went wrong here");

/** What the answers come from. */
export interface RelayCallRooms {
  clock: Clock;
  log: MessageLog;
  messages: Messages;
  members: Members;
  warn: Log["warn"];
  /** Why this user's token may not use the channel any more. */
  refusalOf(caller: { user: string; issuedAt: number | null }): Refusal | undefined;
}

/** What the clients of a relay ask of the channel: carried out in one turn, as for the channel's own. */
export class RelayCalls {
  readonly #rooms: RelayCallRooms;

  constructor(rooms: RelayCallRooms) {
    this.#rooms = rooms;
  }

  /** Where a session begins, or stands, that waits at a relay. */
  place(entering: Entering): Place | Refusal {
    return this.#carriedOut("entering", () => this.#place(entering), FAILED);
  }

  /** One that fails is a bug, and takes nothing else with it: what the others asked is done, and answered. */
  reply(asked: RelayRequest): RelayReply {
    return this.#carriedOut(asked.is, () => this.#reply(asked), failedReply(asked));
  }

  #carriedOut<T>(frame: string, work: () => T, failed: T): T {
    try {
      return work();
    } catch (cause) {
      this.#rooms.warn("message failed", { frame }, cause);
      return failed;
    }
  }

  #place({ user, session, device, issuedAt, wanted }: Entering): Place | Refusal {
    const { clock, log, refusalOf } = this.#rooms;
    const refused = refusalOf({ user, issuedAt });
    if (refused !== undefined) return refused;
    const reader = { user, session, ...(device !== undefined && { device }) };
    const { place, first } = firstPage(log, clock, wanted ?? { mayHistory: false }, reader);
    const { texts, offset: reached, bytes, isLast } = first;
    return { ...place, messagesJson: `[${texts.join(",")}]`, reached, bytes, isLast };
  }

  /** Where the channel stands. */
  standing(): Standing {
    const { log, members } = this.#rooms;
    return { epoch: log.knownEpoch, offset: log.top, roster: members.rosterTold, ...members.firstPage() };
  }

  #reply(asked: RelayRequest): RelayReply {
    switch (asked.is) {
      case "publish":
        return { is: "publish", published: this.#publish(asked) };
      case "signal": {
        const refused = this.#rooms.refusalOf(asked.caller);
        if (refused === undefined) this.#rooms.messages.signal(asked.request);
        return { is: "signal", refused: refused ?? null };
      }
      case "history":
        return { is: "history", page: this.#history(asked.query, asked.caller) };
      case "members":
        return { is: "members", page: this.#members(asked) };
      case "allow":
        return { is: "allow", refused: this.#rooms.refusalOf(asked.caller) ?? null };
      case "read":
        return { is: "read", frames: this.#read(asked) };
      case "log":
        return { is: "log", page: this.#log(asked) };
      case "stand":
        return { is: "stand", place: this.#place(asked.entering) };
    }
  }

  #publish({ request, caller }: Extract<RelayRequest, { is: "publish" }>): Published | Refusal {
    return this.#rooms.refusalOf(caller) ?? this.#rooms.messages.publish(request);
  }

  #history(query: MessageQuery, caller: Caller): LogPage | Refusal {
    return this.#rooms.refusalOf(caller) ?? this.#rooms.messages.history(query, caller);
  }

  #members({ query, caller }: Extract<RelayRequest, { is: "members" }>): MemberPage | Refusal {
    return this.#rooms.refusalOf(caller) ?? this.#rooms.members.page(query);
  }

  #read({ reader, after, maxBytes }: Extract<RelayRequest, { is: "read" }>) {
    const { log } = this.#rooms;
    if (after.epoch !== log.knownEpoch) return null;
    const piece = log.after(after.offset, { rows: ROWS_PER_PAGE, bytes: maxBytes }, reader);
    if (piece === undefined) return null;
    const { texts, offset, bytes, isLast } = piece;
    return { frames: texts.map(frameOf), after: { epoch: after.epoch, offset }, bytes, isLast };
  }

  #log({ after, maxBytes }: Extract<RelayRequest, { is: "log" }>) {
    const { log } = this.#rooms;
    if (after.epoch !== log.knownEpoch) return null;
    return log.said(after.offset, { rows: ROWS_PER_PAGE, bytes: maxBytes }) ?? null;
  }
}

/** Those of these entering sessions that may not, by user: a report must not show them meanwhile. */
export function refusedUsers(
  entering: readonly Entering[],
  entered: readonly (Place | Refusal)[],
): ReadonlySet<string> {
  const refused = new Set<string>();
  for (const [index, { user }] of entering.entries()) {
    const answer = entered[index];
    if (answer !== undefined && isRefusal(answer)) refused.add(user);
  }
  return refused;
}

function failedReply({ is }: RelayRequest): RelayReply {
  switch (is) {
    case "publish":
      return { is, published: FAILED };
    case "signal":
    case "allow":
      return { is, refused: FAILED };
    case "history":
      return { is, page: FAILED };
    case "members":
      return { is, page: FAILED };
    case "read":
      return { is, frames: null };
    case "log":
      return { is, page: null };
    case "stand":
      return { is, place: FAILED };
  }
}
