import { type Activity, type ActivityName, SILENCES } from "../objects/activity.ts";
import { type Backlog, backlogOf, NOTHING_OWED } from "../objects/backlog.ts";
import {
  addCounts,
  type CostSums,
  type CountKind,
  type Counts,
  noCounts,
  requestsOf,
} from "../objects/costs.ts";
import type { ShardCensus, ShardCounts } from "../objects/directory-port.ts";
import type { WebhookStats } from "../objects/webhook-port.ts";
import { Cause, CostKind } from "../protocol/costs.ts";
import { counter, type Family, gauge, gauges, type Sample } from "./metric-text.ts";
import { webhookFamilies } from "./webhook-families.ts";

/** All that metrics are made of. */
export interface Known {
  now: number;
  /** `COST_SAMPLE`. */
  share: number;
  /** Of each shard of the directory. */
  shards: readonly { counts: ShardCounts; costs: CostSums | undefined }[];
  /** Of the target of events, where one is set. */
  webhook: WebhookStats | undefined;
  /** How a user's name is shown. */
  pseudonym(user: string): string;
}

/** Counts of some objects are estimates unless every moment is a sample. */
const SAMPLED = "Estimated unless COST_SAMPLE is 1.";
const STALE = "Of users online, as told within ten SESSION_TTL_SECONDS.";
/** The last one is MAX_SESSIONS_PER_USER where nobody changed it. */
const SESSIONS_PER_USER = [1, 2, 3, 5, 10, 20];
const SPOKEN = ["message", "direct", "signal"] as const;
const DELIVERED = [...SPOKEN, "broadcast"] as const;
const KINDS: readonly CountKind[] = [...CostKind.options, "worker"];

/** Every metric there is. What other parts of the service count joins here: a function of what is known. */
export function familiesOf(known: Known): Family[] {
  const kinds = summed(known);
  const activity = activityOf(kinds);
  const events = known.webhook === undefined ? [] : webhookFamilies(known.webhook, known.now);
  return [
    ...listed(known),
    ...said(activity, kinds),
    ...found(activity),
    ...cost(kinds),
    ...owed(known),
    ...events,
  ];
}

function listed({ shards, pseudonym, share }: Known): Family[] {
  const counts = shards.map((shard) => shard.counts);
  const censuses = counts.flatMap(({ census }) => census ?? []);
  const sumOf = (field: "usersOnline" | "sessions" | "channels") => sum(counts.map((each) => each[field]));
  return [
    gauge("users_online", "Users online.", sumOf("usersOnline")),
    {
      ...gauges("sessions", "Live sessions of users online, by transport and type of device."),
      samples: sessions(censuses),
    },
    perUser(censuses),
    gauge("channels", "Occupied channels.", sumOf("channels")),
    gauge(
      "watches",
      `Users watched, once for each who watches. ${STALE}`,
      sum(censuses.map(({ watches }) => watches)),
    ),
    gauge(
      "subscriptions",
      `Subscriptions of user connections. ${STALE}`,
      sum(censuses.map((each) => each.subscriptions)),
    ),
    {
      ...gauges("most_watched", `Watchers of the ten users with most, by pseudonym as in logs. ${STALE}`),
      samples: mostWatched(censuses, pseudonym),
    },
    gauge("sample_share", "COST_SAMPLE: the share of moments that are counted.", share),
  ];
}

function sessions(censuses: readonly ShardCensus[]): Sample[] {
  const counts = new Map<string, number>();
  for (const { connections } of censuses) {
    for (const [kind, count] of Object.entries(connections))
      counts.set(kind, (counts.get(kind) ?? 0) + count);
  }
  return [...counts].sort().map(([kind, value]) => {
    const [transport = "", device = ""] = kind.split(" ");
    return { labels: { transport, device }, value };
  });
}

function perUser(censuses: readonly ShardCensus[]): Family {
  const all = censuses.flatMap(({ usersBySessions }) => usersBySessions);
  const between = (least: number, most: number) =>
    sum(all.filter(([size]) => size > least && size <= most).map(([, users]) => users));
  const bounds = [0, ...SESSIONS_PER_USER];
  return {
    name: "rollcall_user_sessions",
    help: "Users online by how many live sessions they have.",
    type: "histogram",
    of: "now",
    distribution: {
      buckets: SESSIONS_PER_USER.map((bound, i) => [bound, between(bounds[i] ?? 0, bound)]),
      more: between(bounds.at(-1) ?? 0, Number.POSITIVE_INFINITY),
      sum: sum(all.map(([size, users]) => size * users)),
    },
  };
}

function mostWatched(censuses: readonly ShardCensus[], pseudonym: (user: string) => string): Sample[] {
  const all = censuses.flatMap((census) => census.mostWatched).sort(([, a], [, b]) => b - a);
  return all.slice(0, 10).map(([user, value]) => ({ labels: { user: pseudonym(user) }, value }));
}

function said(activity: Activity, kinds: ReadonlyMap<CountKind, Counts>): Family[] {
  const framesIn = sum([...kinds.values()].map(({ events }) => events.frame));
  const codes = (opening: string, over: string) =>
    named(activity, opening).map(([code, value]) => ({ labels: { over, code }, value }));
  const statuses = named(activity, "http ").filter(([status]) => /^\d+$/.test(status));
  return [
    counter("messages", `What was said: stored messages, direct messages, signals. ${SAMPLED}`, [
      ...SPOKEN.map((kind) => ({ labels: { kind }, value: activity[`said ${kind}`] ?? 0 })),
    ]),
    counter(
      "deliveries",
      `What was handed to a connection, once for each. Not what a welcome brings. ${SAMPLED}`,
      [...DELIVERED.map((kind) => ({ labels: { kind }, value: activity[`delivered ${kind}`] ?? 0 }))],
    ),
    counter("frames", `WebSocket text frames, without pings, which wake nobody. ${SAMPLED}`, [
      { labels: { direction: "in" }, value: framesIn },
      { labels: { direction: "out" }, value: activity["frames out"] ?? 0 },
    ]),
    counter("errors", `Refusals by code, in frames and in answers of the Worker. ${SAMPLED}`, [
      ...codes("refused ", "frame"),
      ...codes("http refused ", "http"),
    ]),
    counter("http_responses", `Answers to HTTP requests, upgrades too. ${SAMPLED}`, [
      ...statuses.map(([status, value]) => ({ labels: { status }, value })),
    ]),
  ];
}

function found(activity: Activity): Family[] {
  return [
    counter("sweeps", `Looks of a keeper after all its connections. ${SAMPLED}`, [
      { value: activity.sweeps ?? 0 },
    ]),
    counter("ghosts", `Sessions that a sweep ended because they were silent. ${SAMPLED}`, [
      { value: activity.ghosts ?? 0 },
    ]),
    {
      name: "rollcall_heartbeat_age_seconds",
      help: `How long a connection was silent when a sweep looked. ${SAMPLED}`,
      type: "histogram",
      of: "ever",
      distribution: {
        buckets: SILENCES.map((bound) => [bound, activity[`silence ${bound}`] ?? 0]),
        more: activity["silence longer"] ?? 0,
        sum: activity["silence seconds"] ?? 0,
      },
    },
  ];
}

function cost(kinds: ReadonlyMap<CountKind, Counts>): Family[] {
  const objects = CostKind.options.map((object) => ({ object, counts: kinds.get(object) ?? noCounts() }));
  const of = (number: (counts: Counts) => number): Sample[] =>
    objects.map(({ object, counts }) => ({ labels: { object }, value: number(counts) }));
  const byCause = (field: "wakes" | "events"): Sample[] =>
    objects.flatMap(({ object, counts }) =>
      Cause.options.map((cause) => ({ labels: { object, cause }, value: counts[field][cause] })),
    );
  return [
    counter("wakes", `What woke an object that slept. ${SAMPLED}`, byCause("wakes")),
    counter("events", `What came to objects, asleep or not. ${SAMPLED}`, byCause("events")),
    counter(
      "billed_requests",
      `Requests to objects as the platform bills them. ${SAMPLED}`,
      of(({ events }) => requestsOf(events)),
    ),
    counter(
      "rows_written",
      `Rows written, without alarms. ${SAMPLED}`,
      of(({ rowsWritten }) => rowsWritten),
    ),
    counter(
      "rows_read",
      `Rows read. ${SAMPLED}`,
      of(({ rowsRead }) => rowsRead),
    ),
    counter(
      "alarms_set",
      `Alarms set, each billed as a row written. ${SAMPLED}`,
      of(({ alarms }) => alarms),
    ),
  ];
}

function owed({ shards, now }: Known): Family[] {
  const { debts, oldestAt } = backlogOf(shards.map(({ costs }): Backlog => costs?.backlog ?? NOTHING_OWED));
  const age = oldestAt === null ? 0 : Math.max(0, now - oldestAt) / 1000;
  const sampled = "Of objects that were counted in the last half hour.";
  return [
    gauge("outbox_debts", `What objects owe one another and have not confirmed. ${sampled}`, debts),
    gauge("outbox_oldest_seconds", `Since when the oldest of these is owed. ${sampled}`, age),
  ];
}

/** By kind, over all shards. */
function summed({ shards }: Known): ReadonlyMap<CountKind, Counts> {
  const kinds = new Map<CountKind, Counts>();
  for (const kind of KINDS) {
    for (const { costs } of shards) {
      const counts = costs?.kinds[kind];
      if (counts === undefined) continue;
      const all = kinds.get(kind) ?? noCounts();
      addCounts(all, counts);
      kinds.set(kind, all);
    }
  }
  return kinds;
}

function activityOf(kinds: ReadonlyMap<CountKind, Counts>): Activity {
  const all = noCounts();
  for (const counts of kinds.values()) addCounts(all, counts);
  return all.activity ?? {};
}

/** Those whose name begins so, by the rest of it. */
function named(activity: Activity, opening: string): [rest: string, count: number][] {
  const all = Object.entries(activity) as [ActivityName, number][];
  return all.flatMap(([name, count]): [string, number][] =>
    name.startsWith(opening) ? [[name.slice(opening.length), count]] : [],
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
