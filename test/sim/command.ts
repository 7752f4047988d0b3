import type { Crowd } from "./clients.ts";
import type { World } from "./world.ts";

/** One thing that may happen to the world; false where there was nothing to do it to. */
/** What a world may be without. */
export const TOPICS = ["mail", "subscriptions", "broadcasts"] as const;
/** `losses`: relays lose their storage, which takes an hour to be found out. `sweeps`: at any moment. */
export type Topic = (typeof TOPICS)[number] | "losses" | "sweeps";

export interface Command {
  /** Chosen only in worlds that have this. */
  topic?: Topic;
  weight: number;
  run(world: World, crowd: Crowd): Promise<boolean> | boolean;
}
