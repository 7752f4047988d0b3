import {
  MEMBER_STATE_MIGRATION,
  MEMBER_STATE_TIME_MIGRATION,
} from "../connections/kept/member-state-table.ts";
import {
  SESSION_CHANGE_MIGRATION,
  SESSION_MIGRATION,
  SESSION_SUBSCRIPTION_MIGRATION,
} from "../connections/kept/session-table.ts";

/** The tables of a relay's object: append-only, each entry is applied once. */
export const MIGRATIONS = [
  [
    ...SESSION_MIGRATION,
    ...SESSION_SUBSCRIPTION_MIGRATION,
    ...SESSION_CHANGE_MIGRATION,
    ...MEMBER_STATE_MIGRATION,
    ...MEMBER_STATE_TIME_MIGRATION,
  ],
];
