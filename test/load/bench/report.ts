/** A promise about numbers, and whether this run keeps it. */
export interface Bar {
  what: string;
  measured: string;
  holds: boolean;
}

/** What came of one scenario. */
export interface Report {
  title: string;
  columns: string[];
  rows: string[][];
  notes: string[];
  bars: Bar[];
  /** Everything that was measured, for the JSON file. */
  figures: unknown;
}

/** What a scenario is told. */
export interface Wanted {
  /** Small counts: to try the harness, not to measure. */
  isQuick: boolean;
  log: (text: string) => void;
}

/** One scenario of the suite. */
export type Scenario = (wanted: Wanted) => Promise<Report>;

/** A number that must stay below a limit, or reach it. Not a number keeps nothing. */
export const atMost = (what: string, value: number, limit: number, shown: string): Bar => ({
  what,
  measured: shown,
  holds: value <= limit,
});
export const atLeast = (what: string, value: number, limit: number, shown: string): Bar => ({
  what,
  measured: shown,
  holds: value >= limit,
});

/** The scenario as markdown, ready for docs/benchmarks.md. */
export function markdown(id: string, { title, columns, rows, notes }: Report): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const table = [line(columns), `|${"---|".repeat(columns.length)}`, ...rows.map(line)];
  return [`### (${id}) ${title}`, "", ...table, "", ...notes.map((note) => `- ${note}`), ""].join("\n");
}

/** The bars as markdown, those that do not hold marked. */
export function barTable(bars: Bar[]): string {
  const rows = bars.map(
    ({ what, measured, holds }) => `| ${what} | ${measured} | ${holds ? "yes" : "**no**"} |`,
  );
  return ["| bar | measured | holds |", "|---|---|---|", ...rows].join("\n");
}
