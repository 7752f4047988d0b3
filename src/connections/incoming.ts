import type { Settings } from "../config.ts";
import type { ClientFrame, Ref } from "../protocol/client-frames.ts";
import { CLOSE, type CloseCode } from "../protocol/close-codes.ts";
import { type Decoded, decodeClientText } from "../protocol/codec.ts";
import type { Refusal } from "../protocol/codes.ts";
import { ENTRIES_PER_MESSAGE, MAX_BAD_IN_A_ROW, USERS_PER_MESSAGE } from "../protocol/limits.ts";
import { utf8Length } from "../protocol/utf8.ts";
import type { Connection } from "./connection.ts";

/** What a client's frame came to: its good messages, and how the connection ends after them, if it does. */
export interface Incoming {
  messages: ClientFrame[];
  end?: { code: CloseCode; text: string };
}

const FLOODING_BURSTS = 5;
/** What one `subscribe` to where the session was may have read of the log at once: more is paged. */
export const ENTRIES_OF_SUBSCRIBE = 500;
/** Without a place it reads where the log stands, and the first page of the roster. */
const ENTRIES_OF_STAND = 20;
/** Subscribed channels that weigh as much, where a frame is told to each of them: a call and rows, here and there. */
const TOLD_PER_MESSAGE = 4;

/**
 * Size before parsing, then depth and types, then the rate. A bad message is answered with an `error` and
 * the connection goes on, until ten in a row are bad, or five bursts more were refused than taken: a flood, of which
 * the rate lets some through all the time, has never many refused in a row (docs/decisions/0020).
 */
export function readFrame(
  connection: Connection,
  data: string | ArrayBuffer,
  now: number,
  settings: Settings,
  entriesOfSubscribe: number,
): Incoming {
  const messages: ClientFrame[] = [];
  const end = (code: CloseCode, text: string): Incoming => ({ messages, end: { code, text } });
  if (typeof data !== "string") return end(CLOSE.unsupported, "binary frames are not spoken here");
  if (data.length > settings.MAX_FRAME_BYTES || utf8Length(data) > settings.MAX_FRAME_BYTES) {
    return end(CLOSE.tooLarge, `a frame is at most ${settings.MAX_FRAME_BYTES} bytes`);
  }
  for (const decoded of decodeClientText(data)) {
    const waitMs = connection.rate?.take(now, weightOf(decoded, connection, entriesOfSubscribe)) ?? 0;
    if (waitMs > 0) {
      if (++connection.excess >= FLOODING_BURSTS * settings.RATE_BURST) {
        return end(CLOSE.flooding, "too many messages for too long");
      }
      const ref = "frame" in decoded ? decoded.frame.ref : decoded.ref;
      sendError(connection, tooManyMessages(waitMs), ref);
      continue;
    }
    connection.excess = Math.max(0, connection.excess - 1);
    if ("frame" in decoded) {
      connection.badInARow = 0;
      messages.push(decoded.frame);
      continue;
    }
    sendError(connection, decoded.refused, decoded.ref);
    if (++connection.badInARow >= MAX_BAD_IN_A_ROW) {
      return end(CLOSE.protocolError, `${MAX_BAD_IN_A_ROW} bad messages in a row`);
    }
  }
  return { messages };
}

/**
 * A page costs what it holds: else one small frame could ask for a hundred megabytes. So do names to watch, and
 * news that every subscribed channel is told.
 */
function weightOf(decoded: Decoded, connection: Connection, entriesOfSubscribe: number): number {
  if (!("frame" in decoded)) return 1;
  const { frame } = decoded;
  if (frame.type === "subscribe") {
    const isPlain = frame.offset === undefined && frame.rewind === undefined;
    return 1 + (isPlain ? ENTRIES_OF_STAND : entriesOfSubscribe) / ENTRIES_PER_MESSAGE;
  }
  if (frame.type === "presence" || (frame.type === "heartbeat" && frame.device !== undefined)) {
    return 1 + connection.subscribedChannels / TOLD_PER_MESSAGE;
  }
  if (frame.type === "watch") return Math.ceil(frame.users.length / USERS_PER_MESSAGE);
  return frame.type === "history" || frame.type === "members"
    ? 1 + Math.floor(frame.limit / ENTRIES_PER_MESSAGE)
    : 1;
}

function tooManyMessages(retryAfterMs: number): Refusal {
  return { code: "rate_limited", message: "too many messages", retryAfterMs, limit: "connection" };
}

/** Answers one message with a refusal; or tells one that answers none, about a channel. */
export function sendError(
  connection: Connection,
  refused: Refusal,
  ref: Ref | undefined,
  channel?: string,
): void {
  connection.send({
    type: "error",
    ...(ref === undefined ? {} : { ref }),
    ...(channel && { channel }),
    ...refused,
  });
}

/** Answers one message with its result, where there is one to answer to or something to say. */
export function sendOk(
  connection: Connection,
  ref: Ref | undefined,
  result: Record<string, unknown> = {},
): void {
  connection.send({ type: "ok", ...(ref === undefined ? {} : { ref }), ...result });
}
