/** The bindings of `wrangler.toml`. Settings are read through `config.ts` only. */
declare namespace Cloudflare {
  interface Env {
    USER: DurableObjectNamespace;
    CHANNEL: DurableObjectNamespace;
    RELAY: DurableObjectNamespace;
    DIRECTORY: DurableObjectNamespace;
    WEBHOOK: DurableObjectNamespace;
    /** Absent where events have no queue, as on the bare runtime. */
    EVENT_QUEUE?: Queue<string>;
    ASSETS: Fetcher;
  }
  interface GlobalProps {
    mainModule: typeof import("./worker.ts");
  }
}

interface Env extends Cloudflare.Env {}
