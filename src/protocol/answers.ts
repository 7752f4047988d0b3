import * as z from "zod";
import { Session } from "./bodies.ts";
import { ERROR_CODES, type ErrorCode } from "./codes.ts";
import { OnlinePage } from "./directory.ts";
import { DirectMessage, Sent } from "./inbox.ts";
import { Presence, Watch } from "./presence.ts";

/*
 * What requests are answered with, where the answer is more than one thing that has a schema of its own already.
 */

/** Every `code`, as a schema. */
export const Code = z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]);

/** Answer of a request that is taken, with nothing to say about it. */
export const Taken = z.object({});

/** Answer of `GET /v1/users/:user/sessions`. */
export const SessionList = z.object({ sessions: z.array(Session) });
export type SessionList = z.infer<typeof SessionList>;

/** `revoke`: whether tokens issued until now are refused from now on. */
export const EndQuery = z.object({ revoke: z.enum(["true", "false"]).default("false") });
export type EndQuery = z.infer<typeof EndQuery>;

/** Answer of `GET /v1/presence?users=`, in the order asked. */
export const PresenceList = z.object({ users: z.array(Presence) });
export type PresenceList = z.infer<typeof PresenceList>;

/** Answer of `GET /v1/presence`: a page of all, or those asked for. */
export const PresenceAnswer = z.union([OnlinePage, PresenceList]);

/** Answer of `GET /v1/users/:user/watching`. */
export const WatchList = z.object({ users: z.array(Watch) });
export type WatchList = z.infer<typeof WatchList>;

/** Answer of `PUT /v1/users/:user/watching/:target`. */
export const Watched = Watch.extend({ presence: Presence });
export type Watched = z.infer<typeof Watched>;

/** Answer of a direct message: `delivered` is for back ends only. */
export const SentAnswer = Sent.partial({ delivered: true });
export type SentAnswer = z.infer<typeof SentAnswer>;

/** Answer of `GET /v1/users/:user/inbox`: both numbers are 0 where there is nothing. */
export const InboxAnswer = z.object({
  acked: z.number().int(),
  latest: z.number().int(),
  messages: z.array(DirectMessage),
});
export type InboxAnswer = z.infer<typeof InboxAnswer>;

/** Answer of `POST /v1/broadcast`: `users` is how many the directory listed. */
export const BroadcastAnswer = z.object({ id: z.string(), users: z.number().int() });
export type BroadcastAnswer = z.infer<typeof BroadcastAnswer>;

/** What came of one message at one of its targets: with `code` it failed there. The name is as it was asked, also where it is none. */
export const ManyResult = z.object({
  user: z.string().optional(),
  channel: z.string().optional(),
  status: z.number().int(),
  code: Code.optional(),
  id: z.string().optional(),
  seq: z.number().int().optional(),
  offset: z.number().int().optional(),
});
export type ManyResult = z.infer<typeof ManyResult>;

/** Answer of `POST /v1/messages`: users first, then channels, each in the order named. */
export const ManyAnswer = z.object({ results: z.array(ManyResult) });
export type ManyAnswer = z.infer<typeof ManyAnswer>;

/** Answer of `POST /v1/batch`, in the order asked. `body` is null where the operation is answered without one. */
export const BatchAnswer = z.object({
  results: z.array(z.object({ status: z.number().int(), body: z.unknown() })),
});
export type BatchAnswer = z.infer<typeof BatchAnswer>;

/** What the frame `auth` is answered with: when the session's new token ends, in milliseconds. */
export const Renewed = z.object({ expiresAt: z.number().int() });

/** What the frame `send` is answered with. */
export const SentFrame = Sent.omit({ delivered: true });

/** What the frame `watch` is answered with, in the order asked. */
export const WatchedUsers = z.object({ presence: z.array(Presence) });
