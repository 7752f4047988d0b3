import type {
  ChannelSummary,
  MemberPage,
  MemberQuery,
  MessageQuery,
  Published,
  Session,
} from "../protocol/bodies.ts";
import type { Claims } from "../protocol/claims.ts";
import type { CloseCode } from "../protocol/close-codes.ts";
import type { Refusal } from "../protocol/codes.ts";
import type { Device } from "../protocol/names.ts";
import type { Presence, PresenceChange, UserQuery, Watch, WatcherPage } from "../protocol/presence.ts";
import type { Tally } from "./activity.ts";
import type { Audited, AuditRequest, KeptForUser, PairAnswer, PairClaim } from "./auditing.ts";
import type { Backlog } from "./backlog.ts";
import type { Broadcast } from "./broadcast.ts";
import type { CostReport } from "./costs.ts";
import type { DirectoryPort } from "./directory-port.ts";
import type { InboxPort } from "./inbox-port.ts";
import type { Elsewhere } from "./placement.ts";
import type { RelayAnswer, RelayCall, RelayPort } from "./relaying.ts";
import type { Caller, LogPage, LogPosition, PublishRequest, SignalRequest } from "./said.ts";
import type {
  Admission,
  AdmitRequest,
  Allowance,
  AllowRequest,
  ConnectRequest,
  EndReason,
  KeeperName,
  MemberState,
  SessionEnd,
  TicketUse,
} from "./session.ts";
import type {
  Delivery,
  DeliveryAnswer,
  LogFrames,
  ReadRequest,
  Subscribed,
  SubscribeRequest,
  SubscriberDevice,
  Unsubscribed,
  UnsubscribeRequest,
} from "./subscribing.ts";

export { WITHOUT_GRACE } from "./session.ts";
export type {
  Admission,
  AdmitRequest,
  Allowance,
  AllowRequest,
  Caller,
  ConnectRequest,
  EndReason,
  KeeperName,
  LogPage,
  LogPosition,
  MemberState,
  PublishRequest,
  SessionEnd,
  SignalRequest,
  TicketUse,
};

/*
 * What the rules see of the world. In the Worker these ports are the platform (`durable-object.ts`), in the
 * simulator a seeded world in one process: the very same classes run over both. A turn is what runs between
 * two awaits of a port: its writes become durable together, and nothing it sent leaves before they are.
 */

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export interface Random {
  /** An unguessable id of 22 characters `A-Z a-z 0-9 - _`: 128 bits. */
  id(): string;
}

export type SqlValue = string | number | null;

/** One object's own SQLite database. */
export interface Sql {
  all<Row>(query: string, ...values: SqlValue[]): Row[];
  run(query: string, ...values: SqlValue[]): void;
  /** All or nothing; `work` must not await. */
  transaction<T>(work: () => T): T;
}

/** The one alarm of an object. Once it has fired it is null, also for the wake-up that it caused, until set again. */
export interface Alarm {
  at(): number | null;
  set(at: number): void;
}

/** The server's end of one WebSocket. It survives hibernation with its attachment, and no crash or deploy. */
export interface Socket {
  /** What `attach` stored, JSON of at most 16 KB. */
  readonly attachment: string;
  attach(text: string): void;
  /** Never throws; what is sent to a peer that is gone is lost. */
  send(text: string): void;
  /** Never throws. The reason is cut to 123 bytes. */
  close(code: number, reason: string): void;
  /** When the platform last answered this peer's `ping` by itself. */
  pingedAt(): number | null;
}

export interface Sockets {
  /** Those that are neither closing nor closed. */
  open(): Socket[];
}

/** In memory only: lost with the object, so nothing may depend on it but politeness. */
export interface Timers {
  after(ms: number, run: () => void): void;
}

export interface Background {
  /** Goes on after the answer. `work` handles its own failures. */
  run(work: Promise<void>): void;
}

export interface Log {
  /** One line. Ids, codes and counts; never a token, a payload or a key. Names leave as pseudonyms (`log.ts`). */
  warn(event: string, fields: Record<string, string | number>, cause?: unknown): void;
}

/** The queue of events for back ends. */
export interface EventQueue {
  /** All of them are kept, or it rejects. Texts of `QueuedEvent`, as many as one batch holds. */
  sendBatch(texts: readonly string[]): Promise<void>;
}

/** How one object calls another. A call may fail, arrive late, or arrive twice. */
export interface Objects {
  user(user: string): UserPort;
  channel(channel: string): ChannelPort;
  /** By the name that `relaying.ts` gives it. */
  relay(relay: string): RelayPort;
  /** One shard of the directory, by the name that `shards.ts` gives it. */
  directory(shard: string): DirectoryPort;
}

export interface Tokens {
  /** The claims of a user's token, checked as on connect; or why it does not count. */
  verify(token: string): Promise<Claims | Refusal>;
}

export interface Ports {
  clock: Clock;
  random: Random;
  sql: Sql;
  alarm: Alarm;
  sockets: Sockets;
  timers: Timers;
  background: Background;
  objects: Objects;
  tokens: Tokens;
  /** Absent where none is bound. */
  events?: EventQueue;
  /** Runs it; what it writes is left out of the costs that are counted. */
  uncounted<T>(work: () => T): T;
  tally: Tally;
  log: Log;
}

/** What every object has, with sockets or without. */
export type BasicPorts = Omit<Ports, "sockets" | "tokens">;

/** Who reads a user's presence. The user itself and back ends see all of it. */
export type Reader = { kind: "user"; user: string } | { kind: "back end" };

/** What a watched user's object tells a watcher's. */
export interface Notice {
  /** Who is watched. */
  user: string;
  /** The watched user's version, also where `presence` shows none: an older notice replaces no newer one. */
  order: number;
  /** As this watcher may see it. */
  presence: Presence;
  /** Which waking of the watcher's object the sender last heard of: a notice for an earlier one is late. */
  waking?: string;
  /** The user was erased: the watch is over. */
  isOver?: true;
}

/** `asleep`: nobody is there to be told, until the watcher watches again. */
export type NoticeAnswer =
  | { is: "taken" | "asleep" | "not watching" }
  /** Send it again, with what is true by then, to this waking. */
  | { is: "another waking"; waking: string };

/** What others may ask of a user's object. Each method is idempotent. */
export interface UserPort extends InboxPort {
  /** Decides whether this session may begin. Awaits no other object. */
  admit(request: AdmitRequest): Promise<Admission>;
  /** A keeper says that a session is over. Unknown sessions leave a tombstone that a late `admit` meets. */
  ended(end: SessionEnd): Promise<void>;
  /** As this reader may see it. */
  presence(reader: Reader): Promise<Presence>;
  /** What the user says of itself; of a session where `session` is given and the scope is not the user. */
  setPresence(change: PresenceChange, session?: string): Promise<Presence | Refusal>;
  /** A keeper says that this session's client did something, after a pause or for the first time in a while. */
  active(session: string, at: number): Promise<void>;
  /** A keeper says that the client of this session has another device now. */
  setDevice(session: string, device: Device): Promise<void>;
  sessions(): Promise<Session[]>;
  /** Whether a token still counts: it is not revoked, its ticket was not used, its session lives. */
  allow(request: AllowRequest): Promise<Allowance>;
  /** Ends one session with 4502, wherever it is kept; false when there is none. */
  endSession(session: string): Promise<boolean>;
  /** Ends all sessions with 4502; `revoke` first refuses every token issued until now, and ends them with 4501. */
  endAll(how: { revoke: boolean }): Promise<void>;
  /** Ends all sessions and forgets the user: afterwards nobody of this name was ever seen. */
  erase(): Promise<void>;
  /** Whom this user watches. */
  watching(): Promise<Watch[]>;
  /** The user watches `target`, whatever sessions it has; or renews that. */
  watch(target: string): Promise<(Watch & { presence: Presence }) | Refusal>;
  unwatch(target: string): Promise<void>;
  watchers(query: UserQuery): Promise<WatcherPage>;
  /** From a watcher's object: tell it of every change from now on. A lower `order` than before is late. */
  watchedBy(watcher: string, order: number): Promise<Notice>;
  unwatchedBy(watcher: string, order: number): Promise<void>;
  /** From a watched user's object. */
  notice(notice: Notice): Promise<NoticeAnswer>;
  /** From a channel: what was said there, for the sessions that are subscribed. Awaits no other object. */
  deliver(delivery: Delivery): Promise<DeliveryAnswer>;
  /** From a channel: it has ended a subscription. */
  unsubscribed(end: Unsubscribed): Promise<void>;
  /** From a keeper: several of these at once. */
  endedTogether(ends: { ended: SessionEnd[]; unsubscribed: Unsubscribed[] }): Promise<void>;
  /** The directory misses this user, or wants to know whether it is still there: tell it anew. */
  list(): Promise<void>;
  /** From the directory: likewise, and compare what some others know of this user with what is so. Awaits no directory. */
  audit(request: AuditRequest): Promise<Audited>;
  /** From another user's object, about the two: who is in the wrong about its own side puts that right. Awaits no other object. */
  pairWith(user: string, claim: PairClaim): Promise<PairAnswer>;
  /** From a channel: which of these are none of this user's, and not on their way out. Awaits no other object. */
  unclaimed(kept: KeptForUser): Promise<string[]>;
  /** From the directory: every session hears it, wherever it is kept, and none twice. Fails where one may not have. */
  broadcast(broadcast: Broadcast): Promise<void>;
}

/** What a user's object may ask of whatever else keeps its sessions. */
export interface KeeperPort {
  /** Ends one connection that is kept here; unknown sessions are no error. */
  end(session: string, code: CloseCode, reason: EndReason): Promise<void>;
  /** When each of these sessions was last heard, in milliseconds; absent when it is not kept here. */
  lastSeen(sessions: string[]): Promise<Record<string, number>>;
  /** When the client of each of these last did something, likewise. */
  lastActive(sessions: string[]): Promise<Record<string, number>>;
  /** These of its sessions hear it, each once. Who is not here is no error. */
  broadcast(broadcast: Broadcast, sessions: string[]): Promise<void>;
}

/** What others may ask of a channel's object. */
export interface ChannelPort extends KeeperPort {
  publish(request: PublishRequest, caller?: Caller): Promise<Published | Refusal>;
  signal(request: SignalRequest, caller?: Caller): Promise<Refusal | undefined>;
  members(query: MemberQuery, caller?: Caller): Promise<MemberPage | Refusal>;
  history(query: MessageQuery, caller?: Caller): Promise<LogPage | Refusal>;
  /** Sends a member away, without grace, and refuses this user's tokens issued until now. */
  removeMember(user: string): Promise<void>;
  /** Forgets messages, keys and members: what comes next has a new epoch. Who was sent away stays so. */
  forget(): Promise<void>;
  summary(): Promise<ChannelSummary>;
  /** From a user's object: how the user appears here. Counts for who has one of these sessions here. */
  setMember(user: string, sessions: string[], state: MemberState): Promise<void>;
  /** From a user's object, and the four that follow: a session is subscribed, if it was not, and stands where the answer says. */
  subscribe(request: SubscribeRequest): Promise<Subscribed | Refusal>;
  /** Unknown sessions are no error: a late `subscribe` is found out by the next delivery. */
  unsubscribe(request: UnsubscribeRequest): Promise<void>;
  unsubscribeTogether(requests: UnsubscribeRequest[]): Promise<void>;
  setSubscriberDevice(change: SubscriberDevice): Promise<void>;
  /** Null where it can't go on from there: it has to ask by `subscribe`. */
  read(request: ReadRequest): Promise<LogFrames | null>;
  /** From one of its relays: all that has come up there. Awaits no other object. */
  relayed(call: RelayCall): Promise<RelayAnswer>;
  /** From the directory: tell it anew. */
  list(): Promise<void>;
  /** Likewise, and compare the sessions of some members with what their users' objects know. Awaits no directory. */
  audit(request: AuditRequest): Promise<Audited>;
}

/** What wakes up: the constructor of the rules is the wake-up, and the alarm may be what caused it. */
export interface Woken {
  /** The alarm fired; `alarm.at()` is null, or what the wake-up has set. */
  alarm(): void;
  /** What it owes to other objects now. */
  backlog?(): Backlog;
  /** Who keeps costs is told its own here; of all others its shard of the directory is. */
  addOwnCosts?(report: CostReport): void;
}

/** An object that keeps sockets, as its shell drives it. The constructor is the wake-up: it reconciles. */
export interface Keeper extends Woken {
  /** Resolves with nothing once the socket from `accept` was welcomed, or with why not, or where else there is room. */
  connect(request: ConnectRequest, accept: () => Socket): Promise<Refusal | Elsewhere | undefined>;
  received(socket: Socket, data: string | ArrayBuffer): Promise<void>;
  /** The socket is gone, cleanly or not. Harmless when its session has ended already. */
  closed(socket: Socket): void;
}
