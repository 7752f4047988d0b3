import { registerHooks } from "node:module";

interface Mutant {
  /** The end of the file's path. */
  file: string;
  find: string;
  replace: string;
  /** What the failure says that it makes. */
  breaks: RegExp;
}

/** Faults that each break one promise. A simulator that does not find them proves nothing by finding none. */
export const MUTANTS: Record<string, Mutant> = {
  "user-never-reconciles": {
    file: "src/user/user.ts",
    find: "    this.#reconcile();\n",
    replace: "",
    breaks: /no ghost/,
  },
  "channel-never-reconciles": {
    file: "src/channel/channel.ts",
    find: "    this.#reconcile();\n",
    replace: "",
    breaks: /no ghost/,
  },
  "user-admits-the-dead": {
    file: "src/user/tombstones.ts",
    find: "return tombstones.some(([buried]) => buried === session);",
    replace: "return tombstones.length < 0 && session === '';",
    breaks: /no ghost/,
  },
  "debts-are-tried-once": {
    file: "src/objects/outbox.ts",
    find: "    this.#start(due);\n",
    replace: "",
    breaks: /no ghost/,
  },
  "alarm-is-never-set": {
    file: "src/objects/due-times.ts",
    find: "    alarm.set(next);\n",
    replace: "",
    breaks: /alarm alive/,
  },
  "pings-are-not-heard": {
    file: "src/connections/connection.ts",
    find: "return Math.max(this.#heardAt, this.socket.pingedAt() ?? 0);",
    replace: "return this.#heardAt;",
    breaks: /no false offline|though it was alive/,
  },
  "channel-skips-an-offset": {
    file: "src/channel/message-log.ts",
    find: "const offset = this.top + 1;",
    replace: "const offset = this.top + (this.top === 20 ? 2 : 1);",
    breaks: /came after/,
  },
  "user-waits-for-a-channel-in-admit": {
    file: "src/user/user.ts",
    find: "    return this.#admit(request);\n",
    replace: '    await this.#ports.objects.channel("hall").summary();\n    return this.#admit(request);\n',
    breaks: /a circular wait/,
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
