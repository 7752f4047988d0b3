type Handlers<Events> = { [E in keyof Events]?: Set<(payload: Events[E]) => void> };

/** Events by name, each with one payload, as typed by `Events`. */
export class Emitter<Events extends object> {
  readonly #handlers: Handlers<Events> = {};

  /** Calls `handler` on each such event from now on, until the returned function is called. */
  on<E extends keyof Events>(event: E, handler: (payload: Events[E]) => void): () => void {
    const handlers = this.#handlers[event] ?? new Set();
    this.#handlers[event] = handlers;
    handlers.add(handler);
    return () => {
      handlers.delete(handler);
    };
  }

  /** Returns when every handler has; false where there is none. */
  emit<E extends keyof Events>(event: E, payload: Events[E]): boolean {
    const handlers = [...(this.#handlers[event] ?? [])];
    for (const handler of handlers) {
      try {
        handler(payload);
      } catch (error) {
        // A bug in one handler must not cost the others their event, nor the connection its life. It
        // surfaces where the platform shows uncaught errors, as with events of the DOM.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    return handlers.length > 0;
  }
}
