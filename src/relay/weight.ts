import type { Entering, RelayRequest } from "../objects/relaying.ts";

/** What one request is besides what it carries, in characters: names, grants of the caller, an envelope. */
const ENVELOPE = 500;
/** A page of a log, as `MessageLog` bounds it: about 1 MiB. */
const LOG_PAGE = 1_048_576;
/** One member of a page: at most 2 KB of `info`, and its devices. */
const MEMBER = 2_200;
/** The first page of what was missed: 64 KiB, and one message that may exceed it. */
const FIRST_PAGE = 98_304;

/** How much a request and its answer may carry, in characters: a call between objects carries at most 32 MiB. */
export function weightOfRequest(asked: RelayRequest): number {
  switch (asked.is) {
    case "publish":
    case "signal":
      return ENVELOPE + (asked.request.dataJson?.length ?? 0);
    case "history":
      return LOG_PAGE;
    case "read":
    case "log":
      return asked.maxBytes + ENVELOPE;
    case "members":
      return asked.query.limit * MEMBER;
    case "allow":
      return ENVELOPE;
    case "stand":
      return weightOfEntering(asked.entering);
  }
}

/** What it holds while it waits, in characters: what is answered to it is not there yet. */
export function heldBy({ request }: { request?: RelayRequest }): number {
  const isSaid = request?.is === "publish" || request?.is === "signal";
  return ENVELOPE + (isSaid ? (request.request.dataJson?.length ?? 0) : 0);
}

/** What it makes the channel read for a client, who may ask without end, in characters. */
export function pagesOf({ request }: { request?: RelayRequest }): number {
  const isPage = request?.is === "history" || request?.is === "members" || request?.is === "stand";
  return isPage ? weightOfRequest(request) : 0;
}

/** How much a session that enters and its answer may carry, likewise. */
export function weightOfEntering({ wanted }: Entering): number {
  return wanted === undefined ? ENVELOPE : FIRST_PAGE;
}
