import { EndQuery, PresenceAnswer, SessionList, Watched, WatchList } from "../protocol/answers.ts";
import { Session } from "../protocol/bodies.ts";
import { OnlineQuery, UsersQuery } from "../protocol/directory.ts";
import { Presence, PresenceChange, UserQuery, Watch, WatcherPage } from "../protocol/presence.ts";
import type { Route } from "./route.ts";
import { NEVER_SEEN, PRESENCE, SESSION, WATCH } from "./samples.ts";

const SELF = "asking about itself";
const online = { user: "ann", status: "online", devices: ["web"], version: 41, sessions: 1 };

/** Routes of one user, and of the presence of several. */
export const USER_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/presence",
    id: "listPresence",
    tag: "Directory",
    summary: "Users online, or the presence of these",
    about:
      "With `users` the presence of 1-200 users, in the order asked, each as this reader may see it; else, for back " +
      "ends, a page of all users online, as the directory knows them.",
    who: { user: "whose `watch` allows all of `users`", key: ["read"] },
    query: [OnlineQuery, UsersQuery],
    answers: {
      200: {
        words: "A page, or those asked for.",
        schema: PresenceAnswer,
        example: { count: 1, users: [online] },
      },
    },
  },
  {
    method: "GET",
    path: "/v1/users/:user/presence",
    id: "readPresence",
    tag: "Users",
    summary: "Presence of one user",
    about: "As this reader may see it. A user never seen is `offline`, never a 404, and so is whoever hides.",
    who: { user: "whose `watch` allows this user", key: ["read"] },
    answers: { 200: { words: "The presence.", schema: Presence, example: NEVER_SEEN } },
  },
  {
    method: "PUT",
    path: "/v1/users/:user/presence",
    id: "setPresence",
    tag: "Users",
    summary: "Say a status",
    about:
      "What is left out stays, null takes back. It holds for the user, or with `Rollcall-Session` for that session " +
      "unless `scope` says otherwise.",
    who: { user: SELF, key: ["manage"] },
    body: {
      schemas: [PresenceChange],
      examples: {
        busy: { status: "busy", text: "In a meeting", expiresInSeconds: 3600 },
        back: { status: null, text: null },
        hidden: { visibility: { only: ["ben"] } },
      },
    },
    answers: { 200: { words: "The resulting presence.", schema: Presence, example: PRESENCE } },
  },
  {
    method: "GET",
    path: "/v1/users/:user/sessions",
    id: "listSessions",
    tag: "Users",
    summary: "Live sessions of a user",
    about: "Wherever they are kept.",
    who: { user: SELF, key: ["read"] },
    answers: { 200: { words: "All of them.", schema: SessionList, example: { sessions: [SESSION] } } },
  },
  {
    method: "GET",
    path: "/v1/users/:user/sessions/:session",
    id: "readSession",
    tag: "Users",
    summary: "One session",
    who: { user: SELF, key: ["read"] },
    answers: { 200: { words: "The session.", schema: Session, example: SESSION } },
    codes: ["not_found"],
  },
  {
    method: "DELETE",
    path: "/v1/users/:user/sessions/:session",
    id: "endSession",
    tag: "Users",
    summary: "End one session",
    about: "Its connection ends with 4502.",
    who: { user: SELF, key: ["manage"] },
    answers: { 204: { words: "Ended." } },
    codes: ["not_found"],
  },
  {
    method: "DELETE",
    path: "/v1/users/:user/sessions",
    id: "endSessions",
    tag: "Users",
    summary: "End all sessions",
    about: "With `revoke=true` tokens issued in this second or before are refused from now on, everywhere.",
    who: { user: SELF, key: ["manage"] },
    query: [EndQuery],
    answers: { 204: { words: "Ended, also where there was none." } },
  },
  {
    method: "DELETE",
    path: "/v1/users/:user",
    id: "eraseUser",
    tag: "Users",
    summary: "Erase a user everywhere",
    about: "Sessions, presence, watches in both directions, inbox, rosters. What was revoked stays revoked.",
    who: { key: ["manage"] },
    answers: { 204: { words: "As if never seen." } },
  },
  {
    method: "GET",
    path: "/v1/users/:user/watching",
    id: "listWatching",
    tag: "Watching",
    summary: "Whom the user watches",
    who: { user: SELF, key: ["read"] },
    answers: { 200: { words: "All of them.", schema: WatchList, example: { users: [WATCH] } } },
  },
  {
    method: "GET",
    path: "/v1/users/:user/watching/:target",
    id: "readWatch",
    tag: "Watching",
    summary: "One watch",
    who: { user: SELF, key: ["read"] },
    answers: { 200: { words: "The watch.", schema: Watch, example: WATCH } },
    codes: ["not_found"],
  },
  {
    method: "PUT",
    path: "/v1/users/:user/watching/:target",
    id: "watch",
    tag: "Watching",
    summary: "Watch a user, or renew that",
    about: "Held by the user, whatever sessions it has: each of its own connections hears of changes.",
    who: { user: `${SELF}, whose \`watch\` allows the other`, key: ["manage"] },
    answers: {
      200: {
        words: "Watched.",
        schema: Watched,
        example: { ...WATCH, presence: { ...PRESENCE, user: "ben" } },
      },
    },
    codes: ["too_many_watches"],
  },
  {
    method: "DELETE",
    path: "/v1/users/:user/watching/:target",
    id: "unwatch",
    tag: "Watching",
    summary: "Watch a user no longer",
    about: "What sessions of the user hold stays.",
    who: { user: SELF, key: ["manage"] },
    answers: { 204: { words: "Released, also where there was nothing." } },
  },
  {
    method: "GET",
    path: "/v1/users/:user/watchers",
    id: "listWatchers",
    tag: "Watching",
    summary: "Who watches the user",
    who: { user: SELF, key: ["read"] },
    query: [UserQuery],
    answers: {
      200: {
        words: "One page, by user id.",
        schema: WatcherPage,
        example: { watchers: [{ user: "ben" }], cursor: "ben" },
      },
    },
  },
];
