import type { Duty } from "../../objects/due-times.ts";
import { NotAnswered } from "../../objects/not-answered.ts";
import { FIRST_RETRY_MS, Outbox, STILL_OWED } from "../../objects/outbox.ts";
import type { Background, Clock, Log, Timers, UserPort } from "../../objects/ports.ts";
import { Walk } from "../../objects/walk.ts";
import type { View } from "../presence/view.ts";
import type { NoticeJob, NoticeJobTable } from "./notice-job-table.ts";
import type { WatcherRow, WatcherTable } from "./watcher-table.ts";
import { WatcherWalk } from "./watcher-walk.ts";

/** The first change after a quiet moment waits so long for others: several leave as the last one. */
const MOMENT_MS = 50;
/** Calls at once. */
const LANES = 100;
/** Who has not answered by then is tried again later. The alarm sees to it: a timer would keep the object awake. */
const LEG_MS = 30_000;
/** So often the answer may be that the watcher has woken anew; then it is a debt. */
const MOST_WAKINGS = 3;

/** One call to a watcher, and what it was answered besides while that was under way. */
interface Call {
  /** It registered: that it were asleep, or did not watch, is out of date. */
  isRegistered: boolean;
  /** By that it was shown the user. */
  isShown: boolean;
}

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
 * Of several calls to one watcher only the last that was made is believed: it said what is newest, and what it
 * left undone is a debt.
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
  #walk: Walk<WatcherRow> | undefined;
  /** The last known waking of each watcher's object. Forgetting it costs a call. */
  readonly #wakings = new Map<string, string>();
  /** The last call to each watcher that is being told. */
  readonly #underWay = new Map<string, Call>();
  /** Answered with news before the pass came to them: it may be lost, so the pass owes them the same. */
  readonly #unsure = new Set<string>();
  /** The job is of an earlier life: what that had written down of its calls need not have arrived. */
  #isInherited: boolean;

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
    this.#isInherited = tables.jobs.read() !== null;
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
  registered(watcher: string, answer: { isHidden: boolean; isUnsure: boolean }): void {
    if (answer.isUnsure) this.#unsure.add(watcher);
    const call = this.#underWay.get(watcher);
    if (call === undefined) return;
    call.isRegistered = true;
    if (!answer.isHidden) call.isShown = true;
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
      this.#walk?.giveUp();
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
    const isShown = this.#isInherited || this.#view.versions().shownVersion > job.shownBefore;
    const watchers = new WatcherWalk(this.#watchers, begun.cursor);
    this.#walk = new Walk(
      () => watchers.next(),
      (row) => this.#tellOne(row, isShown),
    );
    await this.#walk.go(LANES);
    const { cursor, isAtEnd } = watchers;
    if (isAtEnd) this.#endPass(begun);
    else this.#jobs.write({ ...job, pass: { ...begun, cursor }, dueAt: this.#ports.clock.now() });
  }

  async #tellOne(row: WatcherRow, isShown: boolean): Promise<void> {
    if (!this.#owes(row, isShown)) return;
    try {
      await this.#tell(row.watcher);
    } catch (cause) {
      this.#ports.log.warn("watcher not told", {}, cause);
      this.#postpone(row.watcher);
      this.#settled(); // the leg may be over long ago
    }
  }

  #postpone(watcher: string): void {
    this.#watchers.postpone(watcher, 1, this.#ports.clock.now() + FIRST_RETRY_MS);
  }

  /** What changed since the pass began takes another one. */
  #endPass(begun: { version: number; shownVersion: number }): void {
    this.#isInherited = false;
    if (this.#view.versions().version !== begun.version) return this.#owe(begun.shownVersion);
    this.#jobs.delete();
    this.#unsure.clear();
  }

  /** Whether this watcher would see a difference. */
  #owes({ watcher, state, isHidden }: WatcherRow, isShown: boolean): boolean {
    if (state === "over" || isHidden !== this.#view.isHiddenFrom(watcher)) return true;
    if (this.#unsure.has(watcher)) return true;
    return !isHidden && (isShown || this.#view.isSelf(watcher));
  }

  /** What is owed is told, whatever the row says: it says what was sent, and this is what may not have arrived. */
  async #tellAgain(watcher: string): Promise<unknown> {
    const row = this.#watchers.find(watcher);
    if (row === undefined || row.state === "paused") return undefined;
    return (await this.#tell(watcher)) ? undefined : STILL_OWED;
  }

  /**
   * Throws where no answer came, or none that counts. False where a newer call was made meanwhile: whatever
   * this one brought is out of date, and that one, or its debt, stands for both.
   */
  async #tell(watcher: string): Promise<boolean> {
    const call: Call = { isRegistered: false, isShown: false };
    this.#underWay.set(watcher, call);
    const isLast = () => this.#underWay.get(watcher) === call;
    try {
      for (let tries = 0; tries < MOST_WAKINGS; tries++) {
        const row = this.#watchers.find(watcher);
        if (row === undefined) return true; // it watches no longer
        const isHidden = this.#view.isHiddenFrom(watcher);
        const isOver = row.state === "over";
        // Before it leaves: once the user hides again, whoever may have got this has to be told.
        if (!isHidden && row.isHidden && !isOver) this.#watchers.show(watcher);
        this.#unsure.delete(watcher);
        const waking = this.#wakings.get(watcher);
        const notice = { ...this.#view.noticeFor(watcher), ...(waking === undefined ? {} : { waking }) };
        const answer = await this.#userOf(watcher).notice(isOver ? { ...notice, isOver } : notice);
        if (!isLast()) return false;
        if (answer.is !== "another waking") {
          this.#answered(watcher, answer.is, { ...call, isHidden, isOver });
          return true;
        }
        this.#wakings.set(watcher, answer.waking);
      }
      throw new NotAnswered("the watcher keeps waking");
    } catch (cause) {
      if (!isLast()) return false;
      throw cause;
    } finally {
      if (isLast()) this.#underWay.delete(watcher);
    }
  }

  #answered(
    watcher: string,
    is: "taken" | "asleep" | "not watching",
    told: Call & { isHidden: boolean; isOver: boolean },
  ): void {
    const row = this.#watchers.find(watcher);
    if (row === undefined) return;
    if (told.isRegistered && (told.isOver || is !== "taken")) return;
    if (row.state === "over" && !told.isOver && is !== "not watching") return; // erased while it was told
    if (told.isOver || is === "not watching") {
      this.#wakings.delete(watcher);
      return this.#watchers.delete(watcher);
    }
    const state = is === "asleep" ? "paused" : row.state;
    const isHidden = row.isHidden || (told.isHidden && !told.isShown);
    const isNews = state !== row.state || isHidden !== row.isHidden || row.isOwed;
    if (isNews) this.#watchers.told({ ...row, state, isHidden });
  }
}
