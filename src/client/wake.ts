/** What of it a browser has. */
interface Scope {
  addEventListener?: EventTarget["addEventListener"];
  document?: Partial<EventTarget> & { visibilityState: string };
}

/**
 * Calls `run` when a page comes back from the background or from being offline, until the returned
 * function is called. Timers of a hidden page run once a minute at best and a sleeping laptop's not at
 * all, so the moment of waking is when a dead socket is to be found. Does nothing outside browsers.
 */
export function onWake(run: () => void): () => void {
  const scope: object = globalThis;
  const { addEventListener, document: page } = scope as Scope;
  const listeners = new AbortController();
  const { signal } = listeners;
  const shown = () => {
    if (page?.visibilityState === "visible") run();
  };
  addEventListener?.("online", run, { signal });
  page?.addEventListener?.("visibilitychange", shown, { signal });
  return () => listeners.abort();
}
