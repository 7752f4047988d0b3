import type { Settings } from "../config.ts";
import { addNumbers, noDifferences, type Sample, type ShardHealth } from "../objects/auditing.ts";
import type { Log, Objects } from "../objects/ports.ts";
import { shardNames } from "../objects/shards.ts";
import type { Check, Health } from "../protocol/maintenance.ts";
import { within } from "./within.ts";

/** A part that has not answered by then fails. */
const TIMEOUT_MS = 2000;
/** A debt that is so old has failed a dozen times. */
const OLDEST_DEBT_MS = 3_600_000;
/** No shard has this name, so nothing is listed there. Its row is the one that is written and read. */
const PROBED = "health";

interface Surroundings {
  objects: Objects;
  settings: Settings;
  /** The Worker's: whether a binding is there. */
  env: object;
  now(): number;
  log: Log;
}

/** All checks, side by side. Never throws: what fails says so, without any name or cause in it. */
export async function healthOf(around: Surroundings): Promise<Health> {
  const [object, queue, { directory, outbox, consistency }] = await Promise.all([
    probed(around),
    queueOf(around),
    shardChecks(around),
  ]);
  const checks = { object, queue, directory, outbox, consistency };
  const isOk = Object.values(checks).every(({ ok }) => ok);
  return { status: isOk ? "ok" : "failing", checks };
}

async function probed({ objects, now, log }: Surroundings): Promise<Check> {
  const begun = now();
  try {
    const writtenAt = await within(TIMEOUT_MS, objects.directory(PROBED).probe());
    const seconds = Math.round((now() - writtenAt) / 1000);
    return { ok: true, ms: now() - begun, detail: `read what was written ${seconds} s ago` };
  } catch (cause) {
    log.warn("health: object failed", {}, cause);
    return { ok: false, ms: now() - begun, detail: "an object could not write and read a row" };
  }
}

/** The binding is there, where it is needed: to send something would be an event. */
async function queueOf({ env, now }: Surroundings): Promise<Check> {
  const begun = now();
  const { WEBHOOK_URL, EVENT_QUEUE } = env as { WEBHOOK_URL?: unknown; EVENT_QUEUE?: unknown };
  const isNeeded = typeof WEBHOOK_URL === "string" && WEBHOOK_URL !== "";
  const isThere = typeof EVENT_QUEUE === "object" && EVENT_QUEUE !== null;
  const detail = !isNeeded
    ? "no webhook is set"
    : isThere
      ? "EVENT_QUEUE is bound"
      : "EVENT_QUEUE is not bound";
  return { ok: !isNeeded || isThere, ms: now() - begun, detail };
}

async function shardChecks(around: Surroundings) {
  const { objects, settings, now, log } = around;
  const begun = now();
  const names = shardNames(settings.DIRECTORY_SHARDS);
  const shards: ShardHealth[] = [];
  const asked = names.map(async (shard) => {
    try {
      shards.push(await within(TIMEOUT_MS, objects.directory(shard).health()));
    } catch (cause) {
      log.warn("health: shard failed", { shard }, cause);
    }
  });
  await Promise.all(asked);
  const ms = now() - begun;
  const isWhole = shards.length === names.length;
  const detail = `${shards.length} of ${names.length} shards answered`;
  const samples = shards.flatMap(({ sample }) => sample ?? []);
  return {
    directory: { ok: isWhole, ms, detail },
    outbox: { ms, ...outboxIn(samples) },
    consistency: { ms, ...consistencyOf(shards, samples, now()) },
  };
}

function outboxIn(samples: readonly Sample[]) {
  const ages = samples.flatMap(({ at, owedSince }) =>
    owedSince === null ? [] : Math.max(0, at - owedSince),
  );
  if (ages.length === 0) return { ok: true, ageMs: null, detail: "nothing was owed at the last look" };
  const ageMs = Math.max(...ages);
  const detail = `the oldest debt was ${Math.round(ageMs / 1000)} s old at the last look`;
  return { ok: ageMs < OLDEST_DEBT_MS, ageMs, detail };
}

/** What differed was put right: only where nobody compares any more it fails. */
function consistencyOf(shards: readonly ShardHealth[], samples: readonly Sample[], now: number) {
  const numbers = { asked: 0, unanswered: 0 };
  const [differences, total] = [noDifferences(), noDifferences()];
  for (const sample of samples) {
    addNumbers(numbers, { asked: sample.asked, unanswered: sample.unanswered });
    addNumbers(differences, sample.differences);
    addNumbers(total, sample.total);
  }
  const late = shards.filter(({ isLate }) => isLate).length;
  const ageMs = samples.length === 0 ? null : Math.max(0, now - Math.min(...samples.map(({ at }) => at)));
  const found = Object.values(differences).reduce((sum, one) => sum + one, 0);
  const taken = ageMs === null ? "no sample yet" : `${found} differences among ${numbers.asked} asked`;
  const detail = late > 0 ? `${late} shards have taken no sample for hours` : taken;
  return { ok: late === 0, ageMs, ...numbers, differences, total, detail };
}
