import type { LogPosition } from "../objects/ports.ts";

/** Epochs are ids of ours (`ports.ts`, 22 characters); others could not be found in any log. */
const EPOCH = /^[A-Za-z0-9_-]{1,64}$/;
const OFFSET = /^\d{1,16}$/;

/** The `id:` of an event, and what a browser sends back as `Last-Event-ID`. */
export function positionText({ epoch, offset }: LogPosition): string {
  return `${epoch}:${offset}`;
}

/** What `positionText` made. Anything else is as if it were absent: a stream can begin without it. */
export function parsePosition(text: string | undefined): LogPosition | undefined {
  const colon = text?.indexOf(":") ?? -1;
  return text === undefined || colon < 0
    ? undefined
    : positionOf(text.slice(0, colon), text.slice(colon + 1));
}

/** The `seq` of the last direct message that a user's stream has seen, likewise. */
export function parseSeq(text: string | undefined): number | undefined {
  if (text === undefined || !OFFSET.test(text)) return undefined;
  return Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}

/** A position from its two parts, as the queries `epoch` and `offset` bring them. */
export function positionOf(epoch: string | undefined, offset: string | undefined): LogPosition | undefined {
  if (epoch === undefined || offset === undefined || !EPOCH.test(epoch) || !OFFSET.test(offset)) {
    return undefined;
  }
  const number = Number(offset);
  return Number.isSafeInteger(number) ? { epoch, offset: number } : undefined;
}
