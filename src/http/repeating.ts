import type { Objects } from "../objects/ports.ts";

/** The first try besides; each after a pause of up to so long, of which nothing but chance decides. */
const REPEATS = 2;
const LONGEST_PAUSE_MS = 200;

/** Calls that do twice what is said twice, or answer otherwise: all others of our ports set a state, or read. */
const NOT_IDEMPOTENT = new Set(["publish", "send", "signal", "endSession"]);

/**
 * The objects for a caller that nobody else repeats for, like a request over HTTP: a call that met a crash or a
 * deploy is made again, on a new stub, because the old one is broken for good. Not where the object is
 * overloaded: that would be more of what it has too much of. And not what would happen twice.
 */
export function repeating(objects: Objects): Objects {
  return {
    user: (user) => repeatingPort(() => objects.user(user)),
    channel: (channel) => repeatingPort(() => objects.channel(channel)),
    relay: (relay) => repeatingPort(() => objects.relay(relay)),
    directory: (shard) => repeatingPort(() => objects.directory(shard)),
  };
}

/** Whether the same call may succeed a moment later, by the platform's marks on its error. */
export function isPassing(cause: unknown): boolean {
  return isMarked(cause, "retryable") || isMarked(cause, "durableObjectReset");
}

/** The object has too much to do: whoever asked may come back later, nobody asks again at once. */
export function isOverloaded(cause: unknown): boolean {
  return isMarked(cause, "overloaded");
}

function isMarked(cause: unknown, mark: "retryable" | "durableObjectReset" | "overloaded"): boolean {
  return typeof cause === "object" && cause !== null && (cause as Record<string, unknown>)[mark] === true;
}

function repeatingPort<Port extends object>(take: () => Port): Port {
  return new Proxy({} as Port, {
    get:
      (_, method) =>
      async (...args: unknown[]) => {
        for (let repeats = 0; ; repeats++) {
          try {
            return await call(take(), method, args);
          } catch (cause) {
            const mayHelp = isPassing(cause) && !isOverloaded(cause) && isHarmless(method, args);
            if (!mayHelp || repeats === REPEATS) throw cause;
            await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_PAUSE_MS));
          }
        }
      },
  });
}

function call(port: object, method: string | symbol, args: unknown[]): Promise<unknown> {
  return (port as Record<string | symbol, (...args: unknown[]) => Promise<unknown>>)[method]?.(
    ...args,
  ) as Promise<unknown>;
}

/** A key makes a publish harmless to repeat; a ticket is used up by the first try. */
function isHarmless(method: string | symbol, [request]: unknown[]): boolean {
  const { once, ticket } = (request ?? {}) as { once?: object; ticket?: object };
  return NOT_IDEMPOTENT.has(String(method)) ? once !== undefined : ticket === undefined;
}
