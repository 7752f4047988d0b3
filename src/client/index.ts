/** The SDK's public face. Everything else in this folder may change without notice. */

export type { Member, MemberPage, Message, MessagePage, Published, Session } from "../protocol/bodies.ts";
export type { DirectMessage } from "../protocol/inbox.ts";
export type { DeviceType } from "../protocol/names.ts";
export type {
  Presence,
  PresenceChange,
  SeenStatus,
  SetStatus,
  Status,
  Visibility,
  WatcherPage,
} from "../protocol/presence.ts";
export type { WelcomeFrame } from "../protocol/server-frames.ts";
export type { ChannelOptions, HistoryQuery } from "./channel.ts";
export type { ChannelEvents } from "./channel-events.ts";
export type { ChannelState } from "./channel-state.ts";
export { connect } from "./connect.ts";
export type { ConnectionEvents } from "./connection-events.ts";
export { type ClientErrorCode, RollcallError, type RollcallErrorCode } from "./errors.ts";
export type { ConnectionInbox } from "./inbox.ts";
export type { Gap } from "./log-position.ts";
export type { ConnectionPresence } from "./presence.ts";
export type { PublishOptions } from "./publish-options.ts";
export type { RosterChange } from "./roster.ts";
export type { SendOptions, SentMessage } from "./sending.ts";
export type { ConnectOptions } from "./settings.ts";
export type { SocketConstructor, SocketLike } from "./socket.ts";
export type { ConnectionState } from "./state.ts";
export type { Timers } from "./timers.ts";
export type { Channel } from "./typed-channel.ts";
export type { Connection } from "./typed-connection.ts";
export type { AnyEvents, MessageOf, SignalOf } from "./typed-events.ts";
export type { WatchOptions } from "./watches.ts";
