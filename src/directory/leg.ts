import { Walk } from "../objects/walk.ts";

/** What came of a leg: whom it reached last by name, and who of those did not answer. */
export interface LegEnd {
  cursor: string;
  missed: string[];
  /** Of the first who failed; undefined where nobody did, or some only kept silent. */
  cause: unknown;
}

/** One stretch of a walk over users, in the order of names. Who fails holds up nobody. */
export class Leg {
  readonly #users: readonly string[];
  readonly #tell: (user: string) => Promise<void>;
  readonly #walk: Walk<string>;
  readonly #underWay = new Set<string>();
  readonly #failed: string[] = [];
  #begun = 0;
  #cause: unknown;

  constructor(users: readonly string[], tell: (user: string) => Promise<void>) {
    this.#users = users;
    this.#tell = tell;
    this.#walk = new Walk(
      () => this.#users[this.#begun++],
      (user) => this.#tellOne(user),
    );
  }

  /** Resolves when all were told or have failed, or at `giveUp`. Never rejects. */
  async walk(lanes: number): Promise<LegEnd> {
    await this.#walk.go(lanes);
    const cursor = this.#users[Math.min(this.#begun, this.#users.length) - 1] ?? "";
    return { cursor, missed: [...this.#failed, ...this.#underWay], cause: this.#cause };
  }

  /** Waits for nobody any longer, and begins with nobody else. */
  giveUp(): void {
    this.#walk.giveUp();
  }

  async #tellOne(user: string): Promise<void> {
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
