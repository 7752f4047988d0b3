import type { Clock, LogPosition } from "../../objects/ports.ts";
import type { From } from "../../protocol/bodies.ts";
import { FIRST_PAGE_ROWS } from "../../protocol/limits.ts";
import type { MessageLog, Piece, Place } from "./message-log.ts";

/** The contract: recovery without the grant `history` reaches back so far. */
const REACH_WITHOUT_HISTORY_MS = 120_000;
/** The contract: messages inside a welcome or `subscribed`; the rest follows as frames. */
const FIRST_PAGE = { rows: FIRST_PAGE_ROWS, bytes: 65_536 };

/** What a session says of where it was, how much it wants where that can't be found, and how far back it may look. */
export interface Wanted {
  recover?: LogPosition;
  rewind?: number;
  mayHistory: boolean;
}

/** Where a session stands in a log, and the first of what it has missed. With `events` all others are skipped. */
export function firstPage(
  log: MessageLog,
  clock: Clock,
  { recover, rewind = 0, mayHistory }: Wanted,
  reader: From,
  events?: readonly string[],
): { place: Omit<Place, "from">; first: Piece } {
  const reach = mayHistory ? 0 : clock.now() - REACH_WITHOUT_HISTORY_MS;
  const { from, ...place } = log.place(recover, reach, rewind);
  const first = log.after(from, FIRST_PAGE, reader, events);
  if (first === undefined) throw new Error("a place that the log does not hold");
  return { place, first };
}
