import type { Delivery, Said } from "../../objects/subscribing.ts";

/** What may wait for one target while a call to it is under way; beyond it the target reads the log instead. */
const MOST_SAID = 500;
const MOST_CHARACTERS = 1_048_576;

/** What is told with one call, whoever it is. */
export type Told = Omit<Delivery, "sessions">;

/** Where the channel stands when something is sent. */
export type Stand = Pick<Told, "channel" | "number" | "epoch" | "roster"> & { top: number };

/** What waits for one who hears of the channel elsewhere. What is too much is given up: what is told without it shows the gap. */
export class Pending {
  #said: Said[] = [];
  #characters = 0;
  #prev: number | undefined;
  #rosterBefore: string | undefined;
  #isGivenUp = false;

  /** `rosterBefore` is the roster that was told before this, where it is about that. */
  add(said: Said, rosterBefore?: string): void {
    if (this.#isGivenUp) return;
    this.#characters += said.text.length;
    if (this.#said.length === MOST_SAID || this.#characters > MOST_CHARACTERS) return this.giveUp();
    this.#said.push(said);
    if (said.is === "message") this.#prev ??= said.offset - 1;
    if (said.is === "roster") this.#rosterBefore ??= rosterBefore;
  }

  /** Only where the channel stands is told. */
  giveUp(): void {
    this.#said = [];
    this.#prev = undefined;
    this.#rosterBefore = undefined;
    this.#isGivenUp = true;
  }

  told({ top, ...stand }: Stand): Told {
    const prev = this.#prev ?? top;
    return { ...stand, prev, rosterBefore: this.#rosterBefore ?? stand.roster, said: this.#said };
  }
}
