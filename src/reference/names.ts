import type * as z from "zod";
import * as answers from "../protocol/answers.ts";
import * as bodies from "../protocol/bodies.ts";
import { Capability, OwnTicketBody, Ticket, TicketBody } from "../protocol/claims.ts";
import { KindCosts } from "../protocol/costs.ts";
import * as directory from "../protocol/directory.ts";
import { DeadLetter, DeadLetterPage } from "../protocol/events.ts";
import { DirectMessage, InboxAck } from "../protocol/inbox.ts";
import * as maintenance from "../protocol/maintenance.ts";
import { BatchBody, BroadcastBody, ManyBody, Operation } from "../protocol/many.ts";
import { ChannelName, Device, DeviceId, DeviceType, Pattern, SessionId, UserId } from "../protocol/names.ts";
import * as presence from "../protocol/presence.ts";
import { Problem } from "../protocol/problem.ts";
import { Document } from "./operation-routes.ts";

/*
 * What schemas are called in the documents: as in the code. Those of one name on both lists must come to the same.
 */

const WORDS = { UserId, ChannelName, SessionId, DeviceType };

/** What clients send. */
export const REQUESTS: Readonly<Record<string, z.ZodType>> = {
  ...WORDS,
  DeviceId,
  EventName: bodies.EventName,
  IdempotencyKey: bodies.IdempotencyKey,
  Exclusion: bodies.Exclusion,
  PublishBody: bodies.PublishBody,
  SignalBody: bodies.SignalBody,
  SetStatus: presence.SetStatus,
  Visibility: presence.Visibility,
  PresenceChange: presence.PresenceChange,
  Capability,
  Pattern,
  TicketBody,
  OwnTicketBody,
  InboxAck,
  Operation,
  BatchBody,
  ManyBody,
  BroadcastBody,
};

/** What they are sent. */
export const ANSWERS: Readonly<Record<string, z.ZodType>> = {
  ...WORDS,
  Device,
  Status: presence.Status,
  From: bodies.From,
  Message: bodies.Message,
  Member: bodies.Member,
  Session: bodies.Session,
  Published: bodies.Published,
  MessagePage: bodies.MessagePage,
  MemberPage: bodies.MemberPage,
  ChannelSummary: bodies.ChannelSummary,
  Presence: presence.Presence,
  Watch: presence.Watch,
  WatcherPage: presence.WatcherPage,
  OnlineUser: directory.OnlineUser,
  OnlinePage: directory.OnlinePage,
  OccupiedChannel: directory.OccupiedChannel,
  OccupiedPage: directory.OccupiedPage,
  Stats: directory.Stats,
  KindCosts,
  DirectMessage,
  Ticket,
  Taken: answers.Taken,
  SessionList: answers.SessionList,
  PresenceList: answers.PresenceList,
  PresenceAnswer: answers.PresenceAnswer,
  WatchList: answers.WatchList,
  Watched: answers.Watched,
  SentAnswer: answers.SentAnswer,
  InboxAnswer: answers.InboxAnswer,
  BroadcastAnswer: answers.BroadcastAnswer,
  ManyResult: answers.ManyResult,
  ManyAnswer: answers.ManyAnswer,
  BatchAnswer: answers.BatchAnswer,
  Alive: maintenance.Alive,
  Check: maintenance.Check,
  Differences: maintenance.Differences,
  Health: maintenance.Health,
  HealthAnswer: maintenance.HealthAnswer,
  Cleaned: maintenance.Cleaned,
  DeadLetter,
  DeadLetterPage,
  Code: answers.Code,
  Problem,
  Document,
};

/** What this schema is called on that list. Throws where it isn't: then the list is not complete. */
export function nameOf(schema: z.ZodType, list: Readonly<Record<string, z.ZodType>>): string {
  const name = Object.keys(list).find((known) => list[known] === schema);
  if (name === undefined) throw new Error("a schema of the documents has no name");
  return name;
}
