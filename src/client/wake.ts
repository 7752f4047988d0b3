/**
 * Calls `run` when a page comes back from the background or from being offline, until the returned
 * function is called. Timers of a hidden page run once a minute at best and a sleeping laptop's not at
 * all, so the moment of waking is when a dead socket is to be found. Does nothing outside browsers.
 */
export function onWake(run: () => void): () => void {
  const scope: unknown = globalThis;
  const page: unknown = Reflect.get(globalThis, "document");
  const listeners = new AbortController();
  const { signal } = listeners;
  if (scope instanceof EventTarget) scope.addEventListener("online", run, { signal });
  if (page instanceof EventTarget) {
    const shown = () => {
      if ("visibilityState" in page && page.visibilityState === "visible") run();
    };
    page.addEventListener("visibilitychange", shown, { signal });
  }
  return () => listeners.abort();
}
