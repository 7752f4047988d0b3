import { type Settings, settingsOf } from "../config.ts";
import type { Cause } from "../protocol/costs.ts";
import { type Backlog, NOTHING_OWED } from "./backlog.ts";
import { CostMeter } from "./cost-meter.ts";
import type { Counts } from "./costs.ts";
import { ID_BYTES, idOf } from "./ids.ts";
import { log, logBy } from "./log.ts";
import type { Alarm, BasicPorts, SqlValue, Woken } from "./ports.ts";
import { objectShard } from "./shards.ts";
import { eventQueueOf, kindOf, objectsOf } from "./stubs.ts";

/** How long an object that could not wake waits for its next try. */
const NOT_AWAKE_RETRY_MS = 60_000;

/**
 * The platform around the rules of one object: wakes them, lends them ports, and hands the alarm to them. An
 * object without sockets needs no more than this; `Shell` adds what a keeper needs.
 */
export class Waking<R extends Woken> {
  readonly #ctx: DurableObjectState;
  #alarmAt: number | null = null;
  readonly #wake: () => R;
  readonly #meter: CostMeter;
  #rules: R | undefined;
  /** Woken without an alarm stored, and nothing has come yet: if an alarm comes now, it is what woke us. */
  #isWokenByAlarm = false;

  constructor(
    ctx: DurableObjectState,
    env: Env,
    wake: (ports: BasicPorts, settings: Settings, name: string) => R,
  ) {
    this.#ctx = ctx;
    this.#meter = this.#meterOf(env);
    this.#wake = () => {
      logBy(settingsOf(env));
      return wake(this.#ports(env), settingsOf(env), nameOf(ctx));
    };
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = await ctx.storage.getAlarm();
      this.#isWokenByAlarm = this.#alarmAt === null;
      try {
        this.#rules = this.#wake();
      } catch (cause) {
        // To throw here would cut every socket, and a few times in an alarm would lose the alarm for good. The
        // next event tries again: a bad setting may have been mended, a full storage emptied.
        log.error("not awake", {}, cause);
      }
    });
  }

  /** For a call from another object or the Worker. */
  get rules(): R {
    return this.rulesFor("call");
  }

  /** For whatever came; null is not counted. */
  rulesFor(cause: Cause | null): R {
    if (cause !== null) this.#meter.event(cause);
    this.#isWokenByAlarm = false;
    this.#rules ??= this.#wake();
    return this.#rules;
  }

  /**
   * By now the platform has forgotten the alarm that fired. What the wake-up itself set since then stands:
   * to set it again would cost a row at every sweep of a sleeping object.
   */
  alarm(): void {
    if (!this.#isWokenByAlarm) this.#alarmAt = null;
    const rules = this.#rulesIfAwake();
    if (rules !== undefined) rules.alarm();
    else void this.#ctx.storage.setAlarm(Date.now() + NOT_AWAKE_RETRY_MS); // six throws, and it would be gone
  }

  #rulesIfAwake(): R | undefined {
    try {
      return this.rulesFor("alarm");
    } catch (cause) {
      log.error("still not awake", {}, cause);
      return undefined;
    }
  }

  #ports(env: Env): BasicPorts {
    const { storage } = this.#ctx;
    const events = eventQueueOf(env);
    return {
      ...(events && { events }),
      clock: { now: () => Date.now() },
      random: { id: () => idOf(crypto.getRandomValues(new Uint8Array(ID_BYTES))) },
      sql: {
        all: <Row>(query: string, ...values: SqlValue[]) => this.#exec(query, values) as Row[],
        run: (query, ...values) => void this.#exec(query, values),
        transaction: (work) => storage.transactionSync(work),
      },
      alarm: this.#alarm(),
      timers: { after: (ms, run) => void setTimeout(run, ms) },
      background: { run: (work) => this.#ctx.waitUntil(work) },
      objects: objectsOf(env),
      uncounted: (work) => this.#meter.uncounted(work),
      tally: this.#meter,
      log,
    };
  }

  #exec(query: string, values: SqlValue[]): unknown[] {
    const cursor = this.#ctx.storage.sql.exec(query, ...values);
    const rows = cursor.toArray();
    this.#meter.rows(cursor.rowsWritten, cursor.rowsRead);
    return rows;
  }

  #meterOf(env: Env): CostMeter {
    return new CostMeter({
      now: () => Date.now(),
      chance: () => Math.random(),
      after: (ms, run) => void setTimeout(run, ms),
      share: () => settingsOf(env).COST_SAMPLE,
      tell: (counts) => this.#tellCosts(env, counts),
    });
  }

  /** Once, whatever comes of it: a repeat could count twice, and what is lost is part of a sample. */
  #tellCosts(env: Env, counts: Counts): void {
    const kind = kindOf(env, this.#ctx.id);
    if (kind === undefined) return;
    const report = { kind, counts, backlog: { ...this.#backlog(), of: String(this.#ctx.id) } };
    if (this.#rules?.addOwnCosts !== undefined) return this.#rules.addOwnCosts(report);
    const shard = objectShard(kind, nameOf(this.#ctx), settingsOf(env).DIRECTORY_SHARDS);
    const told = objectsOf(env).directory(shard).addCosts(report);
    this.#ctx.waitUntil(told.catch((cause: unknown) => log.warn("costs not told", {}, cause)));
  }

  /** To look is no news either. */
  #backlog(): Backlog {
    return this.#meter.uncounted(() => this.#rules?.backlog?.() ?? NOTHING_OWED);
  }

  #alarm(): Alarm {
    return {
      at: () => this.#alarmAt,
      set: (at) => {
        this.#alarmAt = at;
        this.#meter.alarmSet();
        void this.#ctx.storage.setAlarm(at); // the output gate holds everything back until it is durable
      },
    };
  }
}

/** Objects are found by name only (`stubs.ts`), so the name is always known, in alarms too. */
function nameOf(ctx: DurableObjectState): string {
  if (ctx.id.name === undefined) throw new Error("an object without a name");
  return ctx.id.name;
}
