import { FIRST_PAGE, REACH_WITHOUT_HISTORY_MS, type Wanted } from "../../connections/kept/wanted.ts";
import type { Clock } from "../../objects/ports.ts";
import type { From } from "../../protocol/bodies.ts";
import type { MessageLog, Piece, Place } from "./message-log.ts";

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
