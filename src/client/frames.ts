import type { Message, Skipped } from "../protocol/bodies.ts";
import type { Presence } from "../protocol/presence.ts";
import type { ServerFrame } from "../protocol/server-frames.ts";

/** Something is news of a user who is watched. */
export interface PresenceFrame extends Presence {
  type: "presence";
}

export type IncomingFrame = ServerFrame | PresenceFrame;

/**
 * The messages of one text frame, in order: a frame holds one, or an array of them. `undefined` where the
 * text is not what a server of this protocol sends. The fields are trusted: the service encodes them from
 * the same declarations.
 */
export function readFrames(text: string): IncomingFrame[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // the caller reports it, with the text at hand
  }
  const messages: unknown[] = Array.isArray(value) ? value : [value];
  return messages.length > 0 && messages.every(isFrame) ? messages : undefined;
}

/** A skipped message has an offset and nothing to show. */
export function isSkipped(message: Message | Skipped): message is Skipped {
  return "skipped" in message;
}

function isFrame(value: unknown): value is IncomingFrame {
  return typeof (value as { type?: unknown } | null)?.type === "string";
}
