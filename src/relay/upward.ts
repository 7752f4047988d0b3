import type { Duty } from "../objects/due-times.ts";
import { NotAnswered } from "../objects/not-answered.ts";
import { retryDelay } from "../objects/outbox.ts";
import type { Background, Clock, Log, Objects } from "../objects/ports.ts";
import type {
  Entering,
  Place,
  RelayAnswer,
  RelayCall,
  RelayReply,
  RelayRequest,
  Standing,
} from "../objects/relaying.ts";
import type { Refusal } from "../protocol/codes.ts";
import type { Membership, Taken } from "./membership.ts";
import { weightOfEntering, weightOfRequest } from "./weight.ts";

/** What one call and its answer may carry, in characters: a quarter of what the platform allows. */
const MOST_PER_CALL = 8_388_608;
/** What may wait, likewise, and how many: more is refused at once. */
const MOST_WAITING = 4 * MOST_PER_CALL;
const MOST_ITEMS = 10_000;
/** A call that has not been answered for so long is given up once another one wants to leave. */
const PATIENCE_MS = 10_000;

/** The reply to a request of this kind. */
export type ReplyTo<Kind extends RelayRequest["is"]> = Extract<RelayReply, { is: Kind }>;
/** What came of entering, and where the channel stood then. */
export interface Entered {
  standing: Standing;
  place: Place | Refusal;
}

/** So long it is content with changes then: two versions side by side may reckon differently for a while. */
const IN_VAIN_MS = 60_000;

/** Something that leaves with a call, and who waits for what comes of it. */
interface Item {
  entering?: Entering;
  request?: RelayRequest;
  weight: number;
  answered(answer: RelayAnswer, at: { entered: number; replies: number }): void;
  failed(cause: unknown): void;
}

interface UpwardRules {
  /** In the turn in which it comes, before whoever waits for it goes on. */
  answered(answer: RelayAnswer, taken: Taken | undefined): void;
  due(): void;
}

/**
 * What this relay says to its channel: one call at a time, and all that comes up meanwhile leaves with the next.
 * So a quiet relay says everything at once, a busy one in large pieces, and what one client asks arrives in order.
 * A call that fails is not made again: who waits hears so. Only changes of the membership stay owed.
 */
export class Upward implements Duty {
  readonly name = "upward";
  readonly #ports: { clock: Clock; background: Background; objects: Objects; log: Log };
  readonly #names: { relay: string; channel: string };
  readonly #membership: Membership;
  readonly #rules: UpwardRules;
  #waiting: Item[] = [];
  #waitingWeight = 0;
  #underWay: { since: number; items: Item[] } | undefined;
  #isLeaseDue = false;
  #tries = 0;
  #retryAt: number | null = null;
  /** When everybody was told last, and the channel still knew others. */
  #inVainAt = Number.NEGATIVE_INFINITY;

  constructor(
    ports: { clock: Clock; background: Background; objects: Objects; log: Log },
    names: { relay: string; channel: string },
    membership: Membership,
    rules: UpwardRules,
  ) {
    this.#ports = ports;
    this.#names = names;
    this.#membership = membership;
    this.#rules = rules;
  }

  /** A session that waits for its welcome. Throws where no answer came. */
  enter(entering: Entering): Promise<Entered> {
    return this.#add<Entered>(
      { entering, weight: weightOfEntering(entering) },
      ({ standing, entered }, at) => {
        const place = entered[at.entered];
        return place && { standing, place };
      },
    );
  }

  /** Throws where no answer came. */
  async ask<Kind extends RelayRequest["is"]>(
    request: Extract<RelayRequest, { is: Kind }>,
  ): Promise<ReplyTo<Kind> & { standing: Standing }> {
    return this.#add({ request, weight: weightOfRequest(request) }, ({ standing, replies }, at) => {
      const reply = replies[at.replies] as ReplyTo<Kind> | undefined;
      return reply && { ...reply, standing };
    });
  }

  /** Where the channel stands by now. Throws where no answer came. */
  stand(): Promise<Standing> {
    return this.#add({ weight: 0 }, ({ standing }) => standing);
  }

  /** Says that this relay is there, whatever else there is to say. */
  lease(): void {
    this.#isLeaseDue = true;
    this.go();
  }

  /** Calls the channel if there is something to say and no call under way. */
  go(): void {
    if (this.#underWay !== undefined && !this.#giveUp(this.#underWay)) return;
    const isReportDue = this.#retryAt === null && this.#membership.isOwed;
    if (this.#waiting.length === 0 && !this.#isLeaseDue && !isReportDue) return;
    const call = { since: this.#ports.clock.now(), items: this.#nextItems() };
    this.#underWay = call;
    this.#ports.background.run(this.#call(call));
  }

  /** While sessions live, each sweep looks after a call that hangs. Then nobody does, and a crash takes what it holds. */
  nextAt(): number | null {
    if (this.#underWay === undefined || this.#membership.live > 0) return this.#retryAt;
    return this.#membership.isOwed ? this.#underWay.since + PATIENCE_MS : null;
  }

  run(): void {
    this.#retryAt = null;
    this.go();
  }

  #add<Result>(
    what: Pick<Item, "entering" | "request" | "weight">,
    resultOf: (answer: RelayAnswer, at: { entered: number; replies: number }) => Result | undefined,
  ): Promise<Result> {
    if (this.#waiting.length >= MOST_ITEMS || this.#waitingWeight > MOST_WAITING) {
      return Promise.reject(new Error("too much waits for the channel"));
    }
    return new Promise((resolve, reject) => {
      const answered: Item["answered"] = (answer, at) => {
        const result = resultOf(answer, at);
        if (result === undefined) reject(new Error("the channel has left something unanswered"));
        else resolve(result);
      };
      this.#waiting.push({ ...what, answered, failed: reject });
      this.#waitingWeight += what.weight;
      this.go();
    });
  }

  /** Those that have waited longest, as many as one call carries. */
  #nextItems(): Item[] {
    let weight = 0;
    let count = 0;
    for (const item of this.#waiting) {
      weight += item.weight;
      if (count > 0 && weight > MOST_PER_CALL) break;
      count++;
    }
    const items = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    for (const item of items) this.#waitingWeight -= item.weight;
    return items;
  }

  async #call(call: { since: number; items: Item[] }): Promise<void> {
    const { items } = call;
    const taken = this.#membership.isOwed || this.#isLeaseDue ? this.#membership.take() : undefined;
    this.#isLeaseDue = false;
    const said: RelayCall = {
      relay: this.#names.relay,
      ...(taken && { report: taken.report }),
      entering: items.flatMap(({ entering }) => entering ?? []),
      requests: items.flatMap(({ request }) => request ?? []),
    };
    const answer = await this.#relayed(said).catch((cause: unknown) => {
      if (this.#underWay === call) this.#fail(call, cause);
    });
    if (answer !== undefined && this.#underWay === call) this.#answered(call, answer, taken);
    if (this.#underWay === undefined) this.go();
  }

  async #relayed(said: RelayCall): Promise<RelayAnswer> {
    return this.#ports.objects.channel(this.#names.channel).relayed(said);
  }

  #answered({ items }: { items: Item[] }, answer: RelayAnswer, taken: Taken | undefined): void {
    this.#underWay = undefined;
    this.#tries = 0;
    this.#retryAt = null;
    if (taken !== undefined) this.#membership.confirm(taken);
    if (answer.isWholeWanted) this.#tellWhole(taken?.report.isWhole === true);
    this.#rules.answered(answer, taken);
    const at = { entered: 0, replies: 0 };
    for (const item of items) {
      item.answered(answer, at);
      if (item.entering !== undefined) at.entered++;
      if (item.request !== undefined) at.replies++;
    }
  }

  /** Whoever wants everybody having just been told everybody would be told without end. */
  #tellWhole(wasInVain: boolean): void {
    const now = this.#ports.clock.now();
    if (wasInVain) this.#inVainAt = now;
    if (now < this.#inVainAt + IN_VAIN_MS) {
      this.#ports.log.warn("channel knows other members", { relay: this.#names.relay });
    } else this.#membership.wantWhole();
  }

  #giveUp(call: { since: number; items: Item[] }): boolean {
    if (call.since + PATIENCE_MS > this.#ports.clock.now()) return false;
    this.#fail(call, new NotAnswered("no answer"));
    return true;
  }

  #fail({ items }: { items: Item[] }, cause: unknown): void {
    this.#underWay = undefined;
    this.#ports.log.warn("channel did not answer", { relay: this.#names.relay, waited: items.length }, cause);
    for (const item of items) item.failed(cause);
    this.#retryLater();
  }

  #retryLater(): void {
    this.#retryAt = this.#membership.isOwed ? this.#ports.clock.now() + retryDelay(this.#tries) : null;
    this.#tries += 1;
    this.#rules.due();
  }
}
