/** What is owed to others and not confirmed yet. */
export interface Backlog {
  debts: number;
  /** Since when the oldest is owed, in milliseconds; null where nothing is. */
  oldestAt: number | null;
}

/** Nothing is owed. */
export const NOTHING_OWED: Backlog = { debts: 0, oldestAt: null };

/** All of these together. */
export function backlogOf(parts: Iterable<Backlog>): Backlog {
  let sum = NOTHING_OWED;
  for (const { debts, oldestAt } of parts) {
    const oldest = [sum.oldestAt, oldestAt].filter((at) => at !== null);
    sum = { debts: sum.debts + debts, oldestAt: oldest.length === 0 ? null : Math.min(...oldest) };
  }
  return sum;
}
