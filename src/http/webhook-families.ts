import type { WebhookStats } from "../objects/webhook-port.ts";
import { counter, type Family, gauge, gauges } from "./metric-text.ts";

const STATES = ["closed", "half-open", "open", "disabled"] as const;

/** What has become of events for back ends, exactly: the object of the target counts every one. */
export function webhookFamilies(stats: WebhookStats, now: number): Family[] {
  const { delivered, failed, opened, parked, redriven, dropped, letters, oldestLetterAt } = stats;
  return [
    {
      ...gauges(
        "webhook_state",
        "1 for the state that the circuit of the target is in. disabled: it answered 410.",
      ),
      samples: STATES.map((state) => ({ labels: { state }, value: state === stats.state ? 1 : 0 })),
    },
    counter("webhook_tries", "Tries to deliver an event, by what came of them.", [
      { labels: { result: "delivered" }, value: delivered },
      { labels: { result: "failed" }, value: failed },
    ]),
    counter("webhook_circuit_opened", "How often the circuit opened.", [{ value: opened }]),
    counter("webhook_letters", "Events given up, sent again by an operator, and pushed out.", [
      { labels: { event: "parked" }, value: parked },
      { labels: { event: "redriven" }, value: redriven },
      { labels: { event: "dropped" }, value: dropped },
    ]),
    gauge("webhook_dead_letters", "Dead letters that are kept.", letters),
    gauge(
      "webhook_oldest_dead_letter_seconds",
      "How long the oldest of them has been one, 0 without any.",
      oldestLetterAt === null ? 0 : Math.max(0, now - oldestLetterAt) / 1000,
    ),
    latency(stats),
  ];
}

function latency({ latency: all, latencySumMs }: WebhookStats): Family {
  const buckets = all.flatMap(({ leMs, tries }): [number, number][] =>
    leMs === null ? [] : [[leMs / 1000, tries]],
  );
  return {
    name: "rollcall_webhook_seconds",
    help: "How long a try took, until its answer began.",
    type: "histogram",
    of: "ever",
    distribution: {
      buckets,
      more: all.find(({ leMs }) => leMs === null)?.tries ?? 0,
      sum: latencySumMs / 1000,
    },
  };
}
