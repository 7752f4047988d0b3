/** What came of a leg: whom it reached last by name, and who of those did not answer. */
export interface LegEnd {
  cursor: string;
  missed: string[];
  /** Of the first who failed; undefined where nobody did, or some only kept silent. */
  cause: unknown;
}

/**
 * One stretch of a walk over users, several told at once, in the order of names. Who fails holds up nobody; who
 * keeps silent does neither, once somebody gives up waiting.
 */
export class Leg {
  readonly #users: readonly string[];
  readonly #tell: (user: string) => Promise<void>;
  readonly #underWay = new Set<string>();
  readonly #failed: string[] = [];
  #begun = 0;
  #isOver = false;
  #cause: unknown;
  #giveUp: () => void = () => {};

  constructor(users: readonly string[], tell: (user: string) => Promise<void>) {
    this.#users = users;
    this.#tell = tell;
  }

  /** Resolves when all were told or have failed, or at `giveUp`. Never rejects. */
  async walk(lanes: number): Promise<LegEnd> {
    const all = Promise.all(Array.from({ length: lanes }, () => this.#lane()));
    await Promise.race([all, new Promise<void>((resolve) => (this.#giveUp = resolve))]);
    this.#isOver = true;
    const cursor = this.#users[this.#begun - 1] ?? "";
    return { cursor, missed: [...this.#failed, ...this.#underWay], cause: this.#cause };
  }

  /** Waits for nobody any longer, and begins with nobody else. */
  giveUp(): void {
    this.#giveUp();
  }

  async #lane(): Promise<void> {
    while (!this.#isOver && this.#begun < this.#users.length) {
      const user = this.#users[this.#begun++] as string;
      this.#underWay.add(user);
      try {
        await this.#tell(user);
      } catch (cause) {
        this.#failed.push(user);
        this.#cause ??= cause;
      }
      this.#underWay.delete(user);
    }
  }
}
