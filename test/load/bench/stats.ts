/** The value below which this part of them lies; of none, not a number. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

/** The middle one. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** A number as people read it: three digits that mean something. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return "none";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

/** Median and spread of several rounds. */
export function spread(values: readonly number[]): string {
  if (values.length === 1) return readable(values[0] ?? Number.NaN);
  return `${readable(median(values))} (${readable(Math.min(...values))}-${readable(Math.max(...values))})`;
}
