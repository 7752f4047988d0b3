import * as z from "zod";
import { Costs } from "./costs.ts";
import { ChannelName, UserId } from "./names.ts";
import { Presence } from "./presence.ts";

/** Users whose presence one request may ask for. */
const MAX_USERS_ASKED = 200;

/** A user who is online, as back ends see it. Activity writes nothing, so when it last was is not in it. */
export const OnlineUser = Presence.omit({ lastActiveAt: true }).extend({ sessions: z.number().int() });
export type OnlineUser = z.infer<typeof OnlineUser>;

/** Answer of `GET /v1/presence`: one page, and how many users are online in all. */
export const OnlinePage = z.object({
  count: z.number().int(),
  users: z.array(OnlineUser),
  cursor: z.string().optional(),
});
export type OnlinePage = z.infer<typeof OnlinePage>;

/** A channel with members, invisible ones included. */
export const OccupiedChannel = z.object({ channel: ChannelName, members: z.number().int() });
export type OccupiedChannel = z.infer<typeof OccupiedChannel>;

/** Answer of `GET /v1/channels`. */
export const OccupiedPage = z.object({ channels: z.array(OccupiedChannel), cursor: z.string().optional() });
export type OccupiedPage = z.infer<typeof OccupiedPage>;

/** How many are listed. `channels` are the occupied ones. */
export const Counted = z.object({
  usersOnline: z.number().int(),
  sessions: z.number().int(),
  channels: z.number().int(),
});
export type Counted = z.infer<typeof Counted>;

/** Answer of `GET /v1/stats`. */
export const Stats = Counted.extend({ costs: Costs });
export type Stats = z.infer<typeof Stats>;

const Page = {
  cursor: z.string().max(300).optional(),
  limit: z.number().int().min(1).max(1000).default(100),
};

export const OnlineQuery = z.object(Page);
export type OnlineQuery = z.infer<typeof OnlineQuery>;

/** `prefix`: how the channels' names begin; the empty one is how all do. */
export const OccupiedQuery = z.object({
  ...Page,
  prefix: z.union([z.literal(""), ChannelName], "how a channel's name may begin").default(""),
});
export type OccupiedQuery = z.infer<typeof OccupiedQuery>;

/** `users=a,b,c`: whose presence is asked for. */
export const UsersQuery = z.object({
  users: z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(UserId).max(MAX_USERS_ASKED))
    .refine((users) => new Set(users).size === users.length, "each user once"),
});
export type UsersQuery = z.infer<typeof UsersQuery>;
