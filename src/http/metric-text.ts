/** One line of a family. */
export interface Sample {
  labels?: Record<string, string>;
  value: number;
}

/** How often something was at most so much. */
export interface Distribution {
  /** By upper bound, each on its own and in order; what is larger than all of them is `more`. */
  buckets: readonly (readonly [bound: number, count: number])[];
  more: number;
  sum: number;
}

/** One metric with all its lines. `now` is a distribution of what is, which may shrink; the others of what has been. */
export type Family = { name: string; help: string } & (
  | { type: "counter" | "gauge"; samples: readonly Sample[] }
  | { type: "histogram"; of: "now" | "ever"; distribution: Distribution }
);

/** The two formats that Prometheus reads: its own of 2014 (0.0.4), and OpenMetrics 1.0. */
export type Format = "prometheus" | "openmetrics";

export const CONTENT_TYPE: Record<Format, string> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** The families as text. Families without a line are left out. */
export function metricText(families: readonly Family[], format: Format): string {
  const blocks = families.flatMap((family) => linesOf(family, format));
  return [...blocks, ...(format === "openmetrics" ? ["# EOF"] : []), ""].join("\n");
}

/** The one that this client prefers: OpenMetrics where it names it, and does not like the other better. */
export function formatFor(accept: string | undefined): Format {
  const ranges = (accept ?? "").split(",").map(rangeIn);
  const weightOf = (type: string) =>
    Math.max(0, ...ranges.filter((range) => range.type === type).map(({ q }) => q));
  const open = weightOf("application/openmetrics-text");
  return open > 0 && open >= weightOf("text/plain") ? "openmetrics" : "prometheus";
}

/** A media range; one that asks for another version of OpenMetrics asks for nothing that we have. */
function rangeIn(text: string): { type: string; q: number } {
  const [type = "", ...pairs] = text.split(";").map((part) => part.trim().toLowerCase());
  const parameters = new Map(pairs.map((pair) => pair.split("=", 2) as [string, string]));
  const version = parameters.get("version") ?? "1.0.0";
  const isOther = type === "application/openmetrics-text" && version !== "1.0.0";
  const q = Number(parameters.get("q") ?? 1);
  return { type, q: isOther || Number.isNaN(q) ? 0 : q };
}

function linesOf(family: Family, format: Format): string[] {
  const { name, help } = family;
  const isCounter = family.type === "counter";
  const ends = family.type === "histogram" && family.of === "now" && format === "openmetrics";
  const lines =
    family.type === "histogram"
      ? distributionLines(name, family.distribution, format, ends)
      : family.samples.map(({ labels, value }) => line(isCounter ? `${name}_total` : name, labels, value));
  if (lines.length === 0) return [];
  // The older format knows a counter by the name that its lines have, OpenMetrics by the one that they begin with.
  const head = isCounter && format === "prometheus" ? `${name}_total` : name;
  const unit = format === "openmetrics" && name.endsWith("_seconds") ? [`# UNIT ${name} seconds`] : [];
  const type = ends ? "gaugehistogram" : family.type;
  return [`# TYPE ${head} ${type}`, ...unit, `# HELP ${head} ${escaped(help, format)}`, ...lines];
}

function distributionLines(name: string, of: Distribution, format: Format, isGauge: boolean): string[] {
  const { buckets, more, sum } = of;
  let count = 0;
  const lines = buckets.map(([bound, times]) => {
    count += times;
    return line(`${name}_bucket`, { le: format === "openmetrics" ? float(bound) : String(bound) }, count);
  });
  count += more;
  const [countName, sumName] = isGauge ? ["gcount", "gsum"] : ["count", "sum"];
  lines.push(line(`${name}_bucket`, { le: "+Inf" }, count));
  lines.push(line(`${name}_${countName}`, undefined, count), line(`${name}_${sumName}`, undefined, sum));
  return lines;
}

function line(name: string, labels: Record<string, string> = {}, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text, "openmetrics")}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${rounded(value)}`;
}

/** OpenMetrics has one spelling of a bound: with a point. */
function float(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

/** Sums of samples have tails of binary fractions. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Help in the older format escapes no quotes; labels do in both. */
function escaped(text: string, format: Format): string {
  const plain = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return format === "openmetrics" ? plain.replaceAll('"', '\\"') : plain;
}

/** A family of one gauge. */
export function gauge(name: string, help: string, value: number): Family {
  return { ...gauges(name, help), samples: [{ value }] };
}

/** A family of gauges, without its samples. */
export function gauges(name: string, help: string) {
  return { name: `rollcall_${name}`, help, type: "gauge" as const };
}

/** A family of counters. */
export function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name: `rollcall_${name}`, help, type: "counter", samples };
}
