import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The classes of objects that the Worker of this checkout exports. */
export function objectsIn(root: string): string[] {
  const door = readFileSync(join(root, "src/worker.ts"), "utf8");
  return [...door.matchAll(/^export \{ (\w+Object) \} from /gm)].map(([, name = ""]) => name);
}
