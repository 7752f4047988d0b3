/** Steps that are kept: a welcome that was on its way while they were told is made good with them. */
const MOST_STEPS = 64;

/** Texts that lead from one roster to the next. */
interface Step {
  before: string;
  texts: string[];
}

/**
 * Which roster the connections here know, and how they came to it. Each push says which roster came before it: who
 * knows another has missed something. In memory; the last is remembered with the position.
 */
export class RosterChain {
  #told: string | undefined;
  /** Told before the last answer of the channel set another: what follows from it follows from that one too. */
  #alsoBefore: string | undefined;
  #steps: Step[] = [];

  constructor(told: string | undefined) {
    this.#told = told;
  }

  get told(): string | undefined {
    return this.#told;
  }

  /** Changes were told that lead from `before` to `after`. True where they do not follow from what was told. */
  step(before: string, after: string, texts: string[]): boolean {
    const isKnown = this.#told === undefined || [before, after].includes(this.#told);
    const isMissed = !isKnown && before !== this.#alsoBefore;
    if (texts.length > 0) this.#steps = [...this.#steps, { before, texts }].slice(-MOST_STEPS);
    this.#told = after;
    this.#alsoBefore = undefined;
    return isMissed;
  }

  /** Everybody here was shown this roster, and what was told since, as far as that is known. */
  set(roster: string): void {
    if (this.since(roster) !== undefined) return;
    this.#alsoBefore = this.#told;
    this.#told = roster;
  }

  /** What was told since this roster; undefined where that is not known. */
  since(roster: string): string[] | undefined {
    if (roster === this.#told) return [];
    const first = this.#steps.findLastIndex(({ before }) => before === roster);
    return first === -1 ? undefined : this.#steps.slice(first).flatMap(({ texts }) => texts);
  }

  /** Nobody here knows any. */
  forget(): void {
    this.#told = undefined;
    this.#alsoBefore = undefined;
    this.#steps = [];
  }
}
