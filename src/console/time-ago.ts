const WORDS = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "narrow" });

/** From the largest down; each in milliseconds. */
const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

/** How long ago `at` is, in words. Two clocks differ: what lies ahead is now. */
export function timeAgo(at: number, now: number): string {
  const passedMs = Math.max(0, now - at);
  for (const [unit, unitMs] of UNITS) {
    if (passedMs >= unitMs) return WORDS.format(-Math.floor(passedMs / unitMs), unit);
  }
  return WORDS.format(-Math.floor(passedMs / 1000), "second");
}
