import { settingsOf } from "../config.ts";
import { log, logBy } from "../objects/log.ts";
import { objectsOf } from "../objects/stubs.ts";
import { healthOf } from "./checks.ts";
import { sweepDue } from "./sweeps.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The cron trigger: the sweeps whose minute it is, and each hour a look at the health, of which only what fails is logged. */
export async function scheduled(controller: ScheduledController, env: Env): Promise<void> {
  const settings = settingsOf(env);
  logBy(settings);
  const objects = objectsOf(env);
  if (controller.scheduledTime % HOUR_MS < MINUTE_MS) {
    const { checks } = await healthOf({ objects, settings, env, now: () => Date.now(), log });
    for (const [check, { ok, detail }] of Object.entries(checks)) {
      if (!ok) log.warn("health check fails", { check, reason: detail });
    }
  }
  await sweepDue(objects, settings.DIRECTORY_SHARDS, controller.scheduledTime, log);
}
