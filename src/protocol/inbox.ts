import * as z from "zod";
import { From } from "./bodies.ts";
import { MAX_PAGE } from "./limits.ts";
import { DeviceId } from "./names.ts";

/** A direct message in a user's inbox. `seq` is dense from 1; `id` is unique for ever and tells repeats apart. */
export const DirectMessage = z.object({
  seq: z.number().int(),
  id: z.string(),
  event: z.string(),
  data: z.unknown(),
  from: From.optional(),
  at: z.number().int(),
});
export type DirectMessage = z.infer<typeof DirectMessage>;

/** What came of sending a direct message. */
export const Sent = z.object({
  id: z.string(),
  seq: z.number().int(),
  /** To how many live sessions it went at once. For back ends only: it would betray the invisible. */
  delivered: z.number().int(),
  /** The key was used before, with this very body: this is the first result. */
  duplicate: z.literal(true).optional(),
});
export type Sent = z.infer<typeof Sent>;

/** What to read of an inbox: what comes after `after`, or after what this device has acknowledged. */
export const InboxQuery = z.object({
  after: z.number().int().min(0).optional(),
  limit: z.number().int().min(1).max(MAX_PAGE).default(100),
  /** Absent: the cursor that sessions without a device id share. */
  device: DeviceId.optional(),
});
export type InboxQuery = z.infer<typeof InboxQuery>;

/** All up to `seq` is done with, for this device. */
export const InboxAck = z.object({ seq: z.number().int().min(0), device: DeviceId.optional() });
export type InboxAck = z.infer<typeof InboxAck>;
