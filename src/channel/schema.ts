import {
  MEMBER_STATE_MIGRATION,
  MEMBER_STATE_TIME_MIGRATION,
} from "../connections/kept/member-state-table.ts";
import {
  SESSION_CHANGE_MIGRATION,
  SESSION_MIGRATION,
  SESSION_SUBSCRIPTION_MIGRATION,
} from "../connections/kept/session-table.ts";
import { OUTGOING_EVENT_MIGRATION } from "../events/outgoing-event-table.ts";
import { KEY_MIGRATION } from "../objects/key-table.ts";
import { CHANNEL_MIGRATION } from "./log/channel-table.ts";
import { EXPORTED_MIGRATION } from "./log/exported-table.ts";
import { MESSAGE_AUDIENCE_MIGRATION, MESSAGE_HOP_MIGRATION, MESSAGE_MIGRATION } from "./log/message-table.ts";
import { RELAY_DEBT_MIGRATION } from "./relays/relay-debt-table.ts";
import { RELAY_MEMBER_MIGRATION } from "./relays/relay-member-table.ts";
import { REMOVAL_MIGRATION } from "./removal-table.ts";
import { OCCUPIED_MIGRATION } from "./roster/occupied-table.ts";
import { PUSH_DEBT_MIGRATION } from "./subscribers/push-debt-table.ts";

/** The tables of a channel's object: append-only, each entry is applied once. */
export const MIGRATIONS = [
  [...SESSION_MIGRATION, ...MESSAGE_MIGRATION, ...CHANNEL_MIGRATION],
  [...REMOVAL_MIGRATION],
  [...MEMBER_STATE_MIGRATION],
  [...MESSAGE_AUDIENCE_MIGRATION, ...KEY_MIGRATION],
  [...SESSION_SUBSCRIPTION_MIGRATION, ...PUSH_DEBT_MIGRATION],
  [...MEMBER_STATE_TIME_MIGRATION, ...SESSION_CHANGE_MIGRATION],
  [...RELAY_MEMBER_MIGRATION, ...RELAY_DEBT_MIGRATION],
  [...OUTGOING_EVENT_MIGRATION, ...EXPORTED_MIGRATION, ...MESSAGE_HOP_MIGRATION],
  [...OCCUPIED_MIGRATION],
];
