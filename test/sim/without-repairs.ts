import { registerHooks } from "node:module";

const FILE = "src/directory/rounds.ts";
const ASKED = "mapAtMost(MOST_CALLS, entries, async";

/** Nobody is asked by sweeps and samples: they would put right what a known fault leaves behind, before it shows. */
export function withoutRepairs(): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(FILE)) return loaded;
      const text = String(loaded.source);
      if (!text.includes(ASKED)) throw new Error(`${FILE} does not say whom it asks`);
      return { ...loaded, source: text.replace(ASKED, ASKED.replace("entries", "entries.slice(0, 0)")) };
    },
  });
}
