import type { LogPosition } from "../../objects/ports.ts";
import { FIRST_PAGE_ROWS } from "../../protocol/limits.ts";

/** The contract: recovery without the grant `history` reaches back so far. */
export const REACH_WITHOUT_HISTORY_MS = 120_000;
/** The contract: messages inside a welcome or `subscribed`; the rest follows as frames. */
export const FIRST_PAGE = { rows: FIRST_PAGE_ROWS, bytes: 65_536 };

/** What a session says of where it was, how much it wants where that can't be found, and how far back it may look. */
export interface Wanted {
  recover?: LogPosition;
  rewind?: number;
  mayHistory: boolean;
}
