import { type Settings, settingsOf } from "../config.ts";
import { ID_BYTES, idOf } from "./ids.ts";
import { log } from "./log.ts";
import type { Alarm, BasicPorts, SqlValue, Woken } from "./ports.ts";
import { objectsOf } from "./stubs.ts";

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
  #rules: R | undefined;
  /** Woken without an alarm stored, and nothing has come yet: if an alarm comes now, it is what woke us. */
  #isWokenByAlarm = false;

  constructor(
    ctx: DurableObjectState,
    env: Env,
    wake: (ports: BasicPorts, settings: Settings, name: string) => R,
  ) {
    this.#ctx = ctx;
    this.#wake = () => wake(this.#ports(env), settingsOf(env), nameOf(ctx));
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = await ctx.storage.getAlarm();
      this.#isWokenByAlarm = this.#alarmAt === null;
      try {
        this.#rules = this.#wake();
      } catch (cause) {
        // To throw here would cut every socket, and a few times in an alarm would lose the alarm for good. The
        // next event tries again: a bad setting may have been mended, a full storage emptied.
        log.warn("not awake", {}, cause);
      }
    });
  }

  get rules(): R {
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
      return this.rules;
    } catch (cause) {
      log.warn("still not awake", {}, cause);
      return undefined;
    }
  }

  #ports(env: Env): BasicPorts {
    const { storage } = this.#ctx;
    return {
      clock: { now: () => Date.now() },
      random: { id: () => idOf(crypto.getRandomValues(new Uint8Array(ID_BYTES))) },
      sql: {
        all: <Row>(query: string, ...values: SqlValue[]) =>
          storage.sql.exec(query, ...values).toArray() as Row[],
        run: (query, ...values) => void storage.sql.exec(query, ...values).toArray(),
        transaction: (work) => storage.transactionSync(work),
      },
      alarm: this.#alarm(),
      timers: { after: (ms, run) => void setTimeout(run, ms) },
      background: { run: (work) => this.#ctx.waitUntil(work) },
      objects: objectsOf(env),
      log,
    };
  }

  #alarm(): Alarm {
    return {
      at: () => this.#alarmAt,
      set: (at) => {
        this.#alarmAt = at;
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
