import type { Duty } from "../../objects/due-times.ts";
import { FIRST_RETRY_MS, Outbox } from "../../objects/outbox.ts";
import type { Background, Clock, Log, Timers, UserPort } from "../../objects/ports.ts";
import type { View } from "../presence/view.ts";
import type { NoticeJob, NoticeJobTable } from "./notice-job-table.ts";
import type { WatcherRow, WatcherTable } from "./watcher-table.ts";

/** The first change after a quiet moment waits so long for others: several leave as the last one. */
const MOMENT_MS = 50;
/** Calls at once. */
const LANES = 100;
/** Watchers told in one event; the alarm goes on. Far below what one may call (10,000), and what a crash repeats. */
const LEG = 1000;
/** Who has not answered by then is tried again later. The alarm sees to it: a timer would keep the object awake. */
const LEG_MS = 30_000;
/** So often the answer may be that the watcher has woken anew; then it is a debt. */
const MOST_WAKINGS = 3;

interface NoticePorts {
  clock: Clock;
  timers: Timers;
  background: Background;
  log: Log;
}

/**
 * Tells watchers of changes. A change leaves a job in its own transaction, if anybody is awake to be told; a
 * pass walks over the watchers by name and sends each what is true at that moment, so what changes meanwhile
 * takes at most one more pass. A crash goes on from the last leg: to be told twice is harmless. Whoever hides
 * from a watcher is told to it once, as never seen; after that nothing is sent, so no timing betrays a change.
 */
export class Notices implements Duty {
  readonly name = "notices";
  /** Watchers that did not answer. */
  readonly outbox: Outbox<{ id: string; tries: number; dueAt: number }>;
  readonly #ports: NoticePorts;
  readonly #jobs: NoticeJobTable;
  readonly #watchers: WatcherTable;
  readonly #view: View;
  readonly #userOf: (user: string) => Pick<UserPort, "notice">;
  readonly #settled: () => void;
  /** What this instance does about the job; another one finds the job and begins anew. */
  #state: "idle" | "gathering" | "telling" = "idle";
  #legUntil = 0;
  #giveUp: () => void = () => {};
  /** The last known waking of each watcher's object. Forgetting it costs a call. */
  readonly #wakings = new Map<string, string>();
  /** Watchers being told, and whether they registered meanwhile: then what they answer is out of date. */
  readonly #underWay = new Map<string, { isRegistered: boolean }>();

  constructor(
    ports: NoticePorts,
    tables: { jobs: NoticeJobTable; watchers: WatcherTable },
    view: View,
    others: { userOf(user: string): Pick<UserPort, "notice">; settled(): void },
  ) {
    this.#ports = ports;
    this.#jobs = tables.jobs;
    this.#watchers = tables.watchers;
    this.#view = view;
    this.#userOf = others.userOf;
    this.#settled = others.settled;
    this.outbox = new Outbox(
      ports,
      this.#watchers,
      ({ id }) => this.#tellAgain(id),
      (id) => {
        this.#watchers.settle(id);
        this.outbox.forget(id);
      },
      "late notices",
    );
  }

  /** In the transaction of a change. `shownVersion` is what others saw before it. */
  changed({ shownVersion }: { shownVersion: number }): void {
    if (this.#jobs.read() === null && this.#watchers.hasTold()) this.#owe(shownVersion);
  }

  /** In the transaction that erases the user: every watch is over, and each watcher to be told so. */
  erased(): void {
    if (this.#watchers.isEmpty()) return;
    this.#watchers.endAll();
    this.#owe(this.#view.versions().shownVersion);
  }

  /** The watcher has just been answered with what is true now. */
  registered(watcher: string): void {
    const call = this.#underWay.get(watcher);
    if (call !== undefined) call.isRegistered = true;
  }

  /** At the end of a turn: what is owed leaves in a moment. */
  kick(): void {
    if (this.#state !== "idle" || this.#ports.clock.now() < this.#legUntil) return;
    const job = this.#jobs.read();
    if (job === null || job.pass !== null) return; // the legs of a pass are the alarm's: each an event of its own
    this.#state = "gathering";
    this.#ports.timers.after(MOMENT_MS, () => this.#begin());
  }

  nextAt(): number | null {
    const job = this.#jobs.read();
    return job === null ? null : Math.max(job.dueAt, this.#legUntil);
  }

  run(now: number): void {
    this.#legUntil = now + LEG_MS;
    if (this.#state === "idle") this.#begin();
    else if (this.#state === "telling") {
      for (const watcher of this.#underWay.keys()) this.#postpone(watcher);
      this.#giveUp();
    }
  }

  #owe(shownBefore: number): void {
    this.#jobs.write({ shownBefore, pass: null, dueAt: this.#ports.clock.now() + FIRST_RETRY_MS });
  }

  #begin(): void {
    this.#state = "telling";
    this.#legUntil = this.#ports.clock.now() + LEG_MS;
    this.#ports.background.run(this.#leg());
  }

  async #leg(): Promise<void> {
    try {
      const job = this.#jobs.read();
      if (job !== null) await this.#tellSome(job);
      this.#legUntil = 0;
    } catch (cause) {
      this.#ports.log.warn("watchers not told", {}, cause); // the job stays, and the alarm takes it up
      this.#legUntil = this.#ports.clock.now() + LEG_MS;
    }
    this.#state = "idle";
    this.#settled();
  }

  /** One leg of a pass, from where the last one ended. A watcher that keeps silent holds up nobody but itself. */
  async #tellSome(job: NoticeJob): Promise<void> {
    const begun = job.pass ?? { ...this.#view.versions(), cursor: "" };
    const isShown = this.#view.versions().shownVersion > job.shownBefore;
    const walk = new Walk(this.#watchers, begun.cursor);
    const lanes = Array.from({ length: LANES }, () => this.#lane(walk, isShown));
    await Promise.race([Promise.all(lanes), new Promise<void>((resolve) => (this.#giveUp = resolve))]);
    walk.end();
    const { cursor, isAtEnd } = walk;
    if (isAtEnd) this.#endPass(begun);
    else this.#jobs.write({ ...job, pass: { ...begun, cursor }, dueAt: this.#ports.clock.now() });
  }

  async #lane(walk: Walk, isShown: boolean): Promise<void> {
    for (let row = walk.next(); row !== undefined; row = walk.next()) {
      if (!this.#owes(row, isShown)) continue;
      try {
        await this.#tell(row);
      } catch (cause) {
        this.#ports.log.warn("watcher not told", {}, cause);
        this.#postpone(row.watcher);
        this.#settled(); // the leg may be over long ago
      }
    }
  }

  #postpone(watcher: string): void {
    this.#watchers.postpone(watcher, 1, this.#ports.clock.now() + FIRST_RETRY_MS);
  }

  /** What changed since the pass began takes another one. */
  #endPass(begun: { version: number; shownVersion: number }): void {
    if (this.#view.versions().version === begun.version) this.#jobs.delete();
    else this.#owe(begun.shownVersion);
  }

  /** Whether this watcher would see a difference. */
  #owes({ watcher, state, isHidden }: WatcherRow, isShown: boolean): boolean {
    if (state === "over" || isHidden !== this.#view.isHiddenFrom(watcher)) return true;
    return !isHidden && (isShown || this.#view.isSelf(watcher));
  }

  async #tellAgain(watcher: string): Promise<void> {
    const row = this.#watchers.find(watcher);
    if (row !== undefined && row.state !== "paused" && this.#owes(row, true)) await this.#tell(row);
  }

  /** Throws where no answer came, or none that counts. */
  async #tell({ watcher, state }: WatcherRow): Promise<void> {
    const call = { isRegistered: false };
    this.#underWay.set(watcher, call);
    try {
      for (let tries = 0; tries < MOST_WAKINGS; tries++) {
        const waking = this.#wakings.get(watcher);
        const notice = { ...this.#view.noticeFor(watcher), ...(waking === undefined ? {} : { waking }) };
        const isHidden = this.#view.isHiddenFrom(watcher);
        const isOver = state === "over" && !call.isRegistered;
        const answer = await this.#userOf(watcher).notice(isOver ? { ...notice, isOver } : notice);
        if (answer.is !== "another waking")
          return this.#answered(watcher, answer.is, { ...call, isHidden, isOver });
        this.#wakings.set(watcher, answer.waking);
      }
    } finally {
      if (this.#underWay.get(watcher) === call) this.#underWay.delete(watcher);
    }
    throw new Error("the watcher keeps waking");
  }

  #answered(
    watcher: string,
    is: "taken" | "asleep" | "not watching",
    told: { isRegistered: boolean; isHidden: boolean; isOver: boolean },
  ): void {
    const row = this.#watchers.find(watcher);
    if (row === undefined || told.isRegistered) return;
    if (row.state === "over" && !told.isOver && is !== "not watching") return; // erased while it was told
    if (told.isOver || is === "not watching") {
      this.#wakings.delete(watcher);
      return this.#watchers.delete(watcher);
    }
    if (is === "asleep") this.#watchers.write({ ...row, state: "paused" });
    else if (told.isHidden !== row.isHidden) this.#watchers.write({ ...row, isHidden: told.isHidden });
  }
}

/** The watchers of one leg, by name; read a page at a time, as those before are told. */
class Walk {
  readonly #watchers: WatcherTable;
  #page: WatcherRow[] = [];
  #left = LEG;
  cursor: string;
  /** Nobody is left after the cursor. */
  isAtEnd = false;

  constructor(watchers: WatcherTable, cursor: string) {
    this.#watchers = watchers;
    this.cursor = cursor;
  }

  next(): WatcherRow | undefined {
    if (this.#left === 0 || this.isAtEnd) return undefined;
    if (this.#page.length === 0) this.#page = this.#watchers.toTell(this.cursor, LANES);
    const row = this.#page.shift();
    if (row === undefined) {
      this.isAtEnd = true;
      return undefined;
    }
    this.cursor = row.watcher;
    this.#left -= 1;
    return row;
  }

  end(): void {
    this.#left = 0;
  }
}
