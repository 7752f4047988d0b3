import * as z from "zod";
import { MAX_EMOJI_CHARACTERS, MAX_LISTED_USERS, MAX_STATUS_SECONDS, MAX_TEXT_CHARACTERS } from "./limits.ts";
import { DeviceType, plainText, UserId } from "./names.ts";

export const Status = z.enum(["online", "away", "busy", "offline", "invisible"]);
export type Status = z.infer<typeof Status>;

/** What a user may say; `offline` is what the service finds out. */
export const SetStatus = z.enum(["online", "away", "busy", "invisible"]);
export type SetStatus = z.infer<typeof SetStatus>;

const Listed = z.array(UserId).max(MAX_LISTED_USERS);

/** Who may see a user's presence. Kept for the user, over all sessions. */
export const Visibility = z.union(
  [z.enum(["everyone", "nobody"]), z.strictObject({ except: Listed }), z.strictObject({ only: Listed })],
  "everyone, nobody, {except: [users]} or {only: [users]}",
);
export type Visibility = z.infer<typeof Visibility>;

/**
 * What a user says of itself: the `presence` frame and the body of the PUT. What is left out stays as it is,
 * null takes back. What is said holds until it is said anew, for `expiresInSeconds` where that is given.
 */
export const PresenceChange = z.object({
  status: SetStatus.nullable().optional(),
  text: plainText(MAX_TEXT_CHARACTERS).nullable().optional(),
  emoji: plainText(MAX_EMOJI_CHARACTERS).nullable().optional(),
  expiresInSeconds: z.number().positive().max(MAX_STATUS_SECONDS).optional(),
  scope: z.enum(["session", "user"]).optional(),
  visibility: Visibility.optional(),
});
export type PresenceChange = z.infer<typeof PresenceChange>;

/** One user, merged over all sessions. A user never seen has `lastActiveAt: null` and no `version`. */
export const Presence = z.object({
  user: UserId,
  status: Status,
  text: z.string().optional(),
  emoji: z.string().optional(),
  /** When status, text and emoji end, in milliseconds. */
  expiresAt: z.number().int().optional(),
  lastActiveAt: z.number().int().nullable(),
  devices: z.array(DeviceType),
  version: z.number().int().optional(),
});
export type Presence = z.infer<typeof Presence>;

/** Statuses that a watcher may see. */
export const SeenStatus = Status.exclude(["invisible"]);
export type SeenStatus = z.infer<typeof SeenStatus>;

/** One entry of `GET /v1/users/:user/watching`: the watch does not end before `expiresAt`, milliseconds. */
export const Watch = z.object({ user: UserId, expiresAt: z.number().int() });
export type Watch = z.infer<typeof Watch>;

/** One page of `GET /v1/users/:user/watchers`, by user id. */
export const WatcherPage = z.object({
  watchers: z.array(z.object({ user: UserId })),
  cursor: z.string().optional(),
});
export type WatcherPage = z.infer<typeof WatcherPage>;

/** A page of users, by id. */
export const UserQuery = z.object({
  cursor: UserId.optional(),
  limit: z.number().int().min(1).max(1000).default(100),
});
export type UserQuery = z.infer<typeof UserQuery>;
