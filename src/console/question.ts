/** Asks one at a time: the answer to an older question would undo the newer. `ask` never rejects. */
export class Question {
  readonly #ask: () => Promise<void>;
  #isAsking = false;
  #isAskedAgain = false;

  constructor(ask: () => Promise<void>) {
    this.#ask = ask;
  }

  /** Asks now, or once more when the answer is there. */
  put(): void {
    if (this.#isAsking) this.#isAskedAgain = true;
    else void this.#run();
  }

  async #run(): Promise<void> {
    this.#isAsking = true;
    do {
      this.#isAskedAgain = false;
      await this.#ask();
    } while (this.#isAskedAgain);
    this.#isAsking = false;
  }
}
