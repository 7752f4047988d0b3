import type { MemberPage, Published } from "../protocol/bodies.ts";
import type { CloseCode } from "../protocol/close-codes.ts";
import type { Refusal } from "../protocol/codes.ts";
import type { DeviceType } from "../protocol/names.ts";
import type { KeeperPort, MemberState } from "./ports.ts";
import type { Caller, LogPage, LogPosition, PublishRequest, SignalRequest } from "./said.ts";
import type { Delivery, LogFrames, Said } from "./subscribing.ts";

/*
 * What a channel's object and its relays say to each other: part of the ports. A relay is the truth about who is
 * connected to it, the channel about everything else. A relay calls its channel one call at a time, with all that
 * has come up meanwhile; the channel tells its relays as it tells subscribed users: numbered, with the offset and
 * the roster that came before, so that loss shows.
 */

/** A relay's object is named by its channel, then `/`, which is in no channel's name, then where it is and a number. */
export interface RelayName {
  channel: string;
  /** A location hint of the platform; absent where the relay is for everybody. */
  region?: string;
  number: number;
}

export function relayNameOf({ channel, region, number }: RelayName): string {
  return region === undefined ? `${channel}/${number}` : `${channel}/${region}-${number}`;
}

/** Throws where this is the name of no relay: that is a bug. */
export function parseRelayName(name: string): RelayName {
  const [, channel, region, number] = /^([^/]+)\/(?:([a-z-]+)-)?(\d+)$/.exec(name) ?? [];
  if (channel === undefined) throw new Error("not the name of a relay");
  return { channel, ...(region !== undefined && { region }), number: Number(number) };
}

/** One user as the sessions that one relay keeps show it. */
export interface RelayMember {
  user: string;
  /** Live sessions. */
  live: number;
  /** Device types of the live ones; where none lives, of those that ended last. Sorted, each once. */
  types: DeviceType[];
  info?: Record<string, unknown>;
  joinedAt: number;
  /** When the last one ended, while its grace runs; null while one lives. */
  endedAt: number | null;
  /** Where the live ones come from; empty where nothing is known. Sorted, each once. */
  regions: string[];
  /** How the user appears, as its object said on admission: nothing newer is replaced by it. */
  state: MemberState;
}

/** Who is connected to a relay: changes, or all of it. A state, so that a repeat changes nothing. */
export interface RelayReport {
  /** Grows with each report of this relay, hardly ahead of the clock: one that is not higher than the last is late. */
  number: number;
  /** `set` is everybody: whoever is not in it is gone. */
  isWhole: boolean;
  set: RelayMember[];
  /** Users whose grace is over. */
  gone: string[];
  /** Stands for everybody after this report, in whatever order they came: the XOR of `memberDigest` of each. */
  digest: number;
  /** Live sessions after this report. */
  sessions: number;
}

/** A session that waits at a relay for its welcome; its user's object has admitted it, and the report counts it. */
export interface Entering {
  session: string;
  user: string;
  device?: string;
  /** The token's `iat` in seconds; null where it has none. */
  issuedAt: number | null;
  /** What it has missed is wanted too: the relay does not know it. Absent where nothing is wanted, or the relay does. */
  wanted?: { recover?: LogPosition; rewind?: number; mayHistory: boolean };
}

/** Where an entering session begins: what `Subscribed` says of the log. */
export interface Place {
  epoch: string;
  offset: number;
  recovered: boolean;
  /** JSON text of an array of messages, and of runs of skipped ones: the first page of what it missed. */
  messagesJson: string;
  reached: number;
  bytes: number;
  isLast: boolean;
}

/** A message as it is told, with what its readers are told by. */
export type SaidMessage = Extract<Said, { is: "message" }>;

/** What a client of a relay asked of the channel, in the order in which it was asked. Grants were checked. */
export type RelayRequest =
  | { is: "publish"; request: PublishRequest; caller: Caller }
  | { is: "signal"; request: SignalRequest; caller: Caller }
  | {
      is: "history";
      query: { after?: number; before?: number; limit: number; order: "asc" | "desc" };
      caller: Caller;
    }
  | { is: "members"; query: { cursor?: string; limit: number }; caller: Caller }
  /** Whether a new token of this user may still be used here. */
  | { is: "allow"; caller: Caller }
  /** What came after a position, for one session that reads what it missed. */
  | {
      is: "read";
      reader: { user: string; session: string; device?: string };
      after: LogPosition;
      maxBytes: number;
    }
  /** Likewise for everybody at the relay: whole, for it knows whom a message leaves out, and by what its readers are told. */
  | { is: "log"; after: LogPosition; maxBytes: number }
  /** Where a session stands that asks whether it has missed anything. */
  | { is: "stand"; entering: Entering };

/** `read` and `log` are answered with null where the log can't go on from there; `isLast` says that nothing comes after. */
export type RelayReply =
  | { is: "publish"; published: Published | Refusal }
  | { is: "signal"; refused: Refusal | null }
  | { is: "history"; page: LogPage | Refusal }
  | { is: "members"; page: MemberPage | Refusal }
  | { is: "allow"; refused: Refusal | null }
  | { is: "read"; frames: LogFrames | null }
  | { is: "log"; page: { said: SaidMessage[]; isLast: boolean } | null }
  | { is: "stand"; place: Place | Refusal };

/** All that one relay has to say at once. Absent parts say nothing. */
export interface RelayCall {
  relay: string;
  report?: RelayReport;
  entering: Entering[];
  requests: RelayRequest[];
}

/** Where the channel stands: what a welcome says besides, and what a relay compares itself with. */
export interface Standing extends Omit<MemberPage, "sessions"> {
  /** Null where nothing was ever said or heard here. */
  epoch: string | null;
  offset: number;
  /** Which roster was last told. */
  roster: string;
}

export interface RelayAnswer {
  standing: Standing;
  /** For each of `entering`, in order. */
  entered: (Place | Refusal)[];
  /** For each of `requests`, in order. */
  replies: RelayReply[];
  /** The channel knows other members of this relay: the next report is to be whole. */
  isWholeWanted: boolean;
}

/** What a channel tells a relay, and further relays through it. */
export interface Push extends Omit<Delivery, "sessions"> {
  /** To be told the same by this relay. */
  rest: string[];
}

export interface PushAnswer {
  /** Of `rest`, those that were not told. */
  failed: string[];
  /** This relay keeps nobody: it may be forgotten. */
  isEmpty: boolean;
}

/** What others may ask of a relay's object. Each method is idempotent. */
export interface RelayPort extends KeeperPort {
  /** From the channel, or from a relay that carries it on. Resolves once it and the rest were told. */
  push(push: Push): Promise<PushAnswer>;
  /** From the channel, which has not heard from it for long: everybody. */
  report(): Promise<RelayReport>;
  /** From the channel: this user was sent away. Its sessions here end without grace, but for those with a token that was issued after this second. */
  remove(user: string, second: number): Promise<void>;
  /** From the channel: it was deleted, and with it everybody's membership. */
  dissolve(code: CloseCode): Promise<void>;
}
