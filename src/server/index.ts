/** The public face of the SDK for back ends. Everything else in this folder may change without notice. */

export type {
  BroadcastAnswer,
  InboxAnswer,
  ManyResult,
  SentAnswer,
  Watched,
} from "../protocol/answers.ts";
export type {
  ChannelSummary,
  Member,
  MemberPage,
  Message,
  MessagePage,
  Published,
  Session,
} from "../protocol/bodies.ts";
export type { Capability, Ticket } from "../protocol/claims.ts";
export type { FieldError, LimitName } from "../protocol/codes.ts";
export type { OccupiedChannel, OccupiedPage, OnlinePage, OnlineUser, Stats } from "../protocol/directory.ts";
export type { DeadLetter, DeadLetterPage, EventType } from "../protocol/events.ts";
export type { DirectMessage } from "../protocol/inbox.ts";
export type { Cleaned, Health } from "../protocol/maintenance.ts";
export type { Device, DeviceType } from "../protocol/names.ts";
export type {
  Presence,
  PresenceChange,
  SetStatus,
  Status,
  Visibility,
  Watch,
  WatcherPage,
} from "../protocol/presence.ts";
export type { RollcallOptions } from "./asking.ts";
export type { Channel } from "./channel.ts";
export {
  RollcallError,
  type RollcallErrorCode,
  type ServerErrorCode,
  type WebhookErrorCode,
} from "./errors.ts";
export type { PublishOptions, SendOptions } from "./message-options.ts";
export type { PageOptions, Requests } from "./requests.ts";
export { Rollcall } from "./rollcall.ts";
export type { TicketOptions, User } from "./user.ts";
export { verifyWebhook, type WebhookHeaders, type WebhookOptions } from "./webhook.ts";
export type {
  ChannelEventData,
  EndReason,
  MemberEventData,
  SessionEventData,
  WebhookEvent,
} from "./webhook-event.ts";
