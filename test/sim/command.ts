import type { Crowd } from "./clients.ts";
import type { World } from "./world.ts";

/** One thing that may happen to the world; false where there was nothing to do it to. */
export interface Command {
  weight: number;
  run(world: World, crowd: Crowd): Promise<boolean> | boolean;
}
