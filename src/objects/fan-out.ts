/** Whoever carries something calls so many at once. */
export const FAN_OUT_WIDTH = 32;

/** One call of a fan-out: to whom, and to whom that one carries it on. */
export interface Branch {
  to: string;
  rest: readonly string[];
}

/**
 * Who carries something to whom: at most `width` branches, all nearly as long. Whoever is called plans its `rest`
 * likewise, so each target hears it once, nobody calls more than `width`, and n targets are reached in as many
 * steps as `width` has to be multiplied by itself to pass n.
 */
export function fanOut(targets: readonly string[], width: number): Branch[] {
  const branches: Branch[] = [];
  const most = Math.min(width, targets.length);
  for (let i = 0; i < most; i++) {
    const [to, ...rest] = targets.slice(cut(i, most, targets.length), cut(i + 1, most, targets.length));
    if (to !== undefined) branches.push({ to, rest });
  }
  return branches;
}

/** Where the part `i` of so many begins. */
function cut(i: number, parts: number, length: number): number {
  return Math.floor((i * length) / parts);
}
