import { FAN_OUT_WIDTH, fanOut } from "../../objects/fan-out.ts";
import type { Objects } from "../../objects/ports.ts";
import type { Targets } from "../subscribers/forwarding.ts";
import type { Told } from "../subscribers/pending.ts";

const NOBODY: readonly string[] = [];

/** Who is connected to relays, as far as telling goes. */
export interface KnownRelays {
  /** Another array after each change. */
  readonly names: readonly string[];
  has(relay: string): boolean;
}

/**
 * A channel's relays as those who are told: so many are called, and each carries it on to its branch. The plan is made
 * when something is to be told, so that what waits for a branch is told to those who belong to it by then; who
 * has changed branches meanwhile sees the gap.
 */
export class RelayTargets implements Targets {
  readonly #objects: Objects;
  readonly #relays: KnownRelays;
  readonly #answered: (relay: string, isEmpty: boolean) => void;
  #planned: { names: readonly string[]; leftOut: string } = { names: NOBODY, leftOut: "" };
  #branches: ReadonlyMap<string, readonly string[]> = new Map();

  /** `answered`: the relay was told; `isEmpty` where it keeps nobody, as it says. */
  constructor(objects: Objects, relays: KnownRelays, answered: (relay: string, isEmpty: boolean) => void) {
    this.#objects = objects;
    this.#relays = relays;
    this.#answered = answered;
  }

  isEmpty(): boolean {
    return this.#relays.names.length === 0;
  }

  has(relay: string): boolean {
    return this.#relays.has(relay);
  }

  heads(isLeftOut: (relay: string) => boolean): Iterable<string> {
    const { names } = this.#relays;
    const leftOut = names.filter(isLeftOut).join(" ");
    if (names !== this.#planned.names || leftOut !== this.#planned.leftOut) {
      const told = leftOut === "" ? names : names.filter((relay) => !isLeftOut(relay));
      this.#branches = new Map(fanOut(told, FAN_OUT_WIDTH).map(({ to, rest }) => [to, rest]));
      this.#planned = { names, leftOut };
    }
    return this.#branches.keys();
  }

  rest(head: string): readonly string[] {
    return this.#branches.get(head) ?? NOBODY;
  }

  async call(head: string, rest: readonly string[], told: Told): Promise<readonly string[]> {
    const { failed, isEmpty } = await this.#objects.relay(head).push({ ...told, rest: [...rest] });
    this.#answered(head, isEmpty);
    return failed;
  }
}
