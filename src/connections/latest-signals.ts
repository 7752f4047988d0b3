import type { ClientFrame } from "../protocol/client-frames.ts";

/**
 * The messages of one text frame without the signals that a later one in it replaces: of one event to one target
 * the last counts, as with typing or a cursor. One that wants an answer is none of them.
 */
export function latestSignals(messages: ClientFrame[]): ClientFrame[] {
  if (messages.length < 2) return messages;
  const last = new Map<string, ClientFrame>();
  for (const frame of messages) if (isReplaceable(frame)) last.set(keyOf(frame), frame);
  return messages.filter((frame) => !isReplaceable(frame) || last.get(keyOf(frame)) === frame);
}

type Signal = ClientFrame & { type: "signal" };

function isReplaceable(frame: ClientFrame): frame is Signal {
  return frame.type === "signal" && frame.ref === undefined;
}

function keyOf({ event, channel, user }: Signal): string {
  return JSON.stringify([event, channel, user]);
}
