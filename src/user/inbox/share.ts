import type { Share } from "./inbox-message-table.ts";

/**
 * Which message of a full inbox gives way to one of `sender`: the oldest of whoever has most in it, the new one
 * counted. Among equals the sender's own goes, so that nobody who is at its share pushes others out; else the
 * oldest of all. `shares` come in the order of their oldest message; undefined where there are none.
 */
export function givesWay(shares: readonly Share[], sender: string): number | undefined {
  let first: { share: Share; messages: number } | undefined;
  for (const share of shares) {
    const messages = share.messages + (share.sender === sender ? 1 : 0);
    const isMore = first === undefined || messages > first.messages;
    if (isMore || (messages === first?.messages && share.sender === sender)) first = { share, messages };
  }
  return first?.share.oldest;
}
