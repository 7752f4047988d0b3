import { OUTGOING_EVENT_MIGRATION } from "../events/outgoing-event-table.ts";
import { KEY_MIGRATION } from "../objects/key-table.ts";
import { END_DEBT_MIGRATION, END_DEBT_RELAY_MIGRATION } from "./end-debt-table.ts";
import { DEVICE_CURSOR_MIGRATION } from "./inbox/device-cursor-table.ts";
import { INBOX_MESSAGE_MIGRATION } from "./inbox/inbox-message-table.ts";
import { INBOX_MIGRATION } from "./inbox/inbox-table.ts";
import {
  SESSION_MIGRATION,
  SESSION_RELAY_MIGRATION,
  SESSION_STATUS_MIGRATION,
  SESSION_TICKET_MIGRATION,
} from "./presence/session-table.ts";
import { USER_LISTING_MIGRATION, USER_MIGRATION, USER_STATUS_MIGRATION } from "./presence/user-table.ts";
import { ROSTER_DEBT_MIGRATION } from "./roster-debt-table.ts";
import { SUBSCRIPTION_MIGRATION } from "./subscriptions/subscription-table.ts";
import { HOLD_MIGRATION } from "./watching/hold-table.ts";
import { NOTICE_JOB_MIGRATION } from "./watching/notice-job-table.ts";
import { RELEASE_MIGRATION } from "./watching/release-table.ts";
import { WATCHER_MIGRATION } from "./watching/watcher-table.ts";

/** The tables of a user's object: append-only, each entry is applied once. */
export const MIGRATIONS = [
  [...SESSION_MIGRATION, ...USER_MIGRATION, ...END_DEBT_MIGRATION],
  [...SESSION_TICKET_MIGRATION],
  [...SESSION_STATUS_MIGRATION, ...USER_STATUS_MIGRATION],
  [...ROSTER_DEBT_MIGRATION],
  [...HOLD_MIGRATION, ...RELEASE_MIGRATION, ...WATCHER_MIGRATION, ...NOTICE_JOB_MIGRATION],
  [...USER_LISTING_MIGRATION],
  [...SUBSCRIPTION_MIGRATION],
  [...INBOX_MIGRATION, ...INBOX_MESSAGE_MIGRATION, ...DEVICE_CURSOR_MIGRATION, ...KEY_MIGRATION],
  [...SESSION_RELAY_MIGRATION, ...END_DEBT_RELAY_MIGRATION],
  [...OUTGOING_EVENT_MIGRATION],
];
