import { readFileSync } from "node:fs";
import parse from "parse-prometheus-text-format";
import { expect, it } from "vitest";
import { familiesOf, type Known } from "../../src/http/metric-families.ts";
import { CONTENT_TYPE, type Family, formatFor, metricText } from "../../src/http/metric-text.ts";
import type { Activity } from "../../src/objects/activity.ts";
import { type CostSums, noCounts } from "../../src/objects/costs.ts";
import { openMetricsIn } from "../fixtures/open-metrics.ts";

const activity: Activity = {
  "said message": 7,
  "delivered message": 70,
  "frames out": 90.5,
  "refused rate_limited": 3,
  "http 200": 5,
  "http refused forbidden": 2,
  "silence 25": 4,
  "silence longer": 1,
  "silence seconds": 700,
  sweeps: 2,
};

function known(more: Partial<Known> = {}): Known {
  const counts = { ...noCounts(), rowsWritten: 12, activity };
  const costs: CostSums = { since: 1, kinds: { channel: counts }, backlog: { debts: 3, oldestAt: 40_000 } };
  const census = {
    connections: { "websocket web": 2, "sse tv": 1 },
    usersBySessions: [
      [1, 1],
      [2, 1],
    ] as [number, number][],
    watches: 4,
    subscriptions: 5,
    mostWatched: [["ann", 9]] as [string, number][],
  };
  const shard = { counts: { usersOnline: 2, sessions: 3, channels: 1, census }, costs };
  const other = { ...shard.counts, census: { ...census, mostWatched: [["ben", 12]] as [string, number][] } };
  return {
    now: 100_000,
    share: 1,
    shards: [shard, { counts: other, costs }],
    webhook: {
      state: "half-open",
      delivered: 7,
      failed: 2,
      opened: 1,
      parked: 5,
      redriven: 1,
      dropped: 0,
      letters: 4,
      oldestLetterAt: 70_000,
      latency: [
        { leMs: 100, tries: 6 },
        { leMs: 1000, tries: 2 },
        { leMs: null, tries: 1 },
      ],
      latencySumMs: 17_000,
    },
    pseudonym: (user) => `hash of ${user}`,
    ...more,
  };
}

const families = (text: string) => new Map(parse(text).map((family) => [family.name, family]));

it("[MT2] a public parser reads the text, and in it every metric with its type", () => {
  const read = families(metricText(familiesOf(known()), "prometheus"));
  expect(read.get("rollcall_users_online")).toMatchObject({ type: "GAUGE", metrics: [{ value: "4" }] });
  expect(read.get("rollcall_sessions")?.metrics).toEqual([
    { value: "2", labels: { transport: "sse", device: "tv" } },
    { value: "4", labels: { transport: "websocket", device: "web" } },
  ]);
  expect(read.get("rollcall_most_watched")?.metrics.map(({ labels }) => labels?.user)).toEqual([
    "hash of ben",
    "hash of ann",
  ]);
  expect(read.get("rollcall_messages_total")).toMatchObject({ type: "COUNTER" });
  expect(read.get("rollcall_frames_total")?.metrics[1]).toEqual({
    value: "181",
    labels: { direction: "out" },
  });
  expect(read.get("rollcall_heartbeat_age_seconds")).toMatchObject({
    type: "HISTOGRAM",
    metrics: [{ count: "10", sum: "1400", buckets: { "15": "0", "25": "8", "600": "8", "+Inf": "10" } }],
  });
  expect(read.get("rollcall_user_sessions")?.metrics[0]).toMatchObject({
    buckets: { "1": "2", "2": "4", "+Inf": "4" },
    sum: "6",
  });
  expect(read.get("rollcall_outbox_debts")?.metrics).toEqual([{ value: "6" }]);
  expect(read.get("rollcall_outbox_oldest_seconds")?.metrics).toEqual([{ value: "60" }]);
  expect(read.get("rollcall_rows_written_total")?.metrics).toContainEqual({
    value: "24",
    labels: { object: "channel" },
  });
  for (const [name, { help }] of read) expect(help, name).toMatch(/\.$/);
});

it("[MT2] as OpenMetrics it follows the grammar of the standard, with the same names and numbers", () => {
  const text = metricText(familiesOf(known()), "openmetrics");
  const open = openMetricsIn(text);
  expect(open.get("rollcall_messages")?.type).toBe("counter");
  expect(open.get("rollcall_user_sessions")?.type).toBe("gaugehistogram");
  expect(open.get("rollcall_heartbeat_age_seconds")).toMatchObject({ type: "histogram", unit: "seconds" });
  const inOther = metricText(familiesOf(known()), "prometheus");
  const valued = (lines: string) =>
    lines
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.replace(/le="(\d+)\.0"/, 'le="$1"').replace(/_g(count|sum) /, "_$1 "));
  expect(valued(text)).toEqual(valued(inOther));
});

it("[MT2] the grammar knows what is wrong", () => {
  const good = "# TYPE a counter\n# HELP a A.\na_total 1\n# EOF\n";
  expect(openMetricsIn(good).size).toBe(1);
  const wrong = [
    good.replace("# EOF\n", ""),
    good.replace("a_total", "a"),
    good.replace("a_total 1", "a_total one"),
    good.replace("a_total 1", 'a_total{b="c} 1'),
    good.replace("# EOF", "\n# EOF"),
    good.replace("# EOF", "a_total 2\n# EOF"),
    good.replace("# EOF", "# TYPE a gauge\n# EOF"),
    '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_count 1\nh_sum 1\n# EOF\n',
    '# TYPE h histogram\nh_bucket{le="1.0"} 2\nh_bucket{le="+Inf"} 1\nh_count 1\nh_sum 1\n# EOF\n',
  ];
  for (const text of wrong) expect(() => openMetricsIn(text), text).toThrow();
});

it("[MT2] what is in a label or a help text can't end it", () => {
  const odd = 'a "quote", a \\ and\na line';
  const family: Family = {
    ...{ name: "odd", help: odd, type: "gauge" },
    samples: [{ labels: { text: odd }, value: 1 }],
  };
  expect(parse(metricText([family], "prometheus"))[0]?.metrics).toEqual([
    { value: "1", labels: { text: odd } },
  ]);
  expect(openMetricsIn(metricText([family], "openmetrics")).size).toBe(1);
});

it("[MT2] nothing known yet is text too, with counters at zero", () => {
  const counts = { usersOnline: 0, sessions: 0, channels: 0 };
  const empty = known({ shards: [{ counts, costs: undefined }] });
  const read = families(metricText(familiesOf(empty), "prometheus"));
  expect(read.get("rollcall_messages_total")?.metrics).toContainEqual({
    value: "0",
    labels: { kind: "message" },
  });
  openMetricsIn(metricText(familiesOf(empty), "openmetrics"));
});

it("[MT1] the format is the one that the client prefers", () => {
  const prometheus3 =
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
  expect(formatFor(prometheus3)).toBe("openmetrics");
  expect(formatFor("application/openmetrics-text")).toBe("openmetrics");
  for (const accept of [
    undefined,
    "*/*",
    "text/plain;version=0.0.4",
    "application/openmetrics-text; version=2.0.0",
    "application/openmetrics-text;q=0",
    "application/openmetrics-text;q=0.1, text/plain;q=0.9",
  ])
    expect(formatFor(accept), accept).toBe("prometheus");
  expect(Object.keys(CONTENT_TYPE)).toHaveLength(2);
});

/** Names that a query may ask for: of each family those of its lines. */
function askable(): Set<string> {
  const text = metricText(familiesOf(known()), "openmetrics");
  return new Set([...text.matchAll(/^(rollcall_\w+?)(?:\{.*\})? [\d.]+$/gm)].map(([, name = ""]) => name));
}

it("[MT16] what became of events is told where a target is set: its circuit, tries, dead letters, latency", () => {
  const read = families(metricText(familiesOf(known()), "prometheus"));
  expect(read.get("rollcall_webhook_state")?.metrics).toEqual([
    { value: "0", labels: { state: "closed" } },
    { value: "1", labels: { state: "half-open" } },
    { value: "0", labels: { state: "open" } },
    { value: "0", labels: { state: "disabled" } },
  ]);
  expect(read.get("rollcall_webhook_tries_total")?.metrics).toEqual([
    { value: "7", labels: { result: "delivered" } },
    { value: "2", labels: { result: "failed" } },
  ]);
  expect(read.get("rollcall_webhook_dead_letters")?.metrics).toEqual([{ value: "4" }]);
  expect(read.get("rollcall_webhook_oldest_dead_letter_seconds")?.metrics).toEqual([{ value: "30" }]);
  expect(read.get("rollcall_webhook_seconds")?.metrics[0]).toMatchObject({
    buckets: { "0.1": "6", "1": "8", "+Inf": "9" },
    sum: "17",
  });
  const without = families(metricText(familiesOf(known({ webhook: undefined })), "prometheus"));
  expect([...without.keys()].filter((name) => name.includes("webhook"))).toEqual([]);
});

it("[MT13] every query of the dashboard and of the alerts asks for metrics that exist", () => {
  const names = askable();
  const dashboard = JSON.parse(readFileSync(new URL("../../docs/grafana.json", import.meta.url), "utf8")) as {
    panels: { title: string; targets?: { expr: string }[] }[];
  };
  const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const asked = queries.flatMap((query) => query.match(/rollcall_\w+/g) ?? []);
  const operations = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const inDocs = operations.match(/rollcall_\w+/g) ?? [];
  expect(queries.length).toBeGreaterThan(15);
  for (const query of queries) expect(query).toMatch(/rollcall_/);
  expect(asked.filter((name) => !names.has(name))).toEqual([]);
  const stem = (name: string) => name.replace(/_(total|bucket|g?count|g?sum)$/, "");
  const stems = new Set([...names].map(stem));
  expect(inDocs.filter((name) => !names.has(name) && !stems.has(name))).toEqual([]);
  const documented = new Set(inDocs.map(stem));
  expect([...names].map(stem).filter((name) => !documented.has(name))).toEqual([]);
});
