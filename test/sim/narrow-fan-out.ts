import { registerHooks } from "node:module";

const FILE = "src/objects/fan-out.ts";
const WIDTH = "export const FAN_OUT_WIDTH = 32;";

/** A handful of relays is no tree: here whoever carries something on calls two, so that it becomes one. */
export function narrowFanOut(): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(FILE)) return loaded;
      const text = String(loaded.source);
      if (!text.includes(WIDTH)) throw new Error(`${FILE} does not say how wide a fan-out is`);
      return { ...loaded, source: text.replace(WIDTH, WIDTH.replace("32", "2")) };
    },
  });
}
