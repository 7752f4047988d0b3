import type { Log } from "./ports.ts";

/** Structured lines on the console, which is where the platform collects logs. The cause's text, no stack. */
export const log: Log = {
  warn(event, fields, cause) {
    const because =
      cause === undefined ? {} : { cause: cause instanceof Error ? cause.message : String(cause) };
    console.warn(JSON.stringify({ level: "warn", event, ...fields, ...because }));
  },
};
