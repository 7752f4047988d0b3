import { registerHooks } from "node:module";

interface Mutant {
  /** The end of the file's path. */
  file: string;
  find: string;
  replace: string;
}

/** Faults that each break one promise. A simulator that does not find them proves nothing by finding none. */
export const MUTANTS: Record<string, Mutant> = {
  "user-never-reconciles": {
    file: "src/user/user.ts",
    find: "    this.#reconcile();\n",
    replace: "",
  },
  "channel-never-reconciles": {
    file: "src/channel/channel.ts",
    find: "    this.#reconcile();\n",
    replace: "",
  },
};

/** Loads the named file with the fault in it. Throws where the text is no longer there to be replaced. */
export function breakOnLoad(name: string): void {
  const mutant = MUTANTS[name];
  if (mutant === undefined)
    throw new Error(`no mutant ${name}; there are ${Object.keys(MUTANTS).join(", ")}`);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(mutant.file)) return loaded;
      const text = String(loaded.source);
      if (!text.includes(mutant.find)) throw new Error(`${mutant.file} no longer holds what ${name} breaks`);
      return { ...loaded, source: text.replace(mutant.find, mutant.replace) };
    },
  });
}
