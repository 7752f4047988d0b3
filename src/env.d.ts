/** The bindings of `wrangler.toml`. Settings are read through `config.ts` only. */
declare namespace Cloudflare {
  interface Env {
    USER: DurableObjectNamespace;
    CHANNEL: DurableObjectNamespace;
    RELAY: DurableObjectNamespace;
    DIRECTORY: DurableObjectNamespace;
    ASSETS: Fetcher;
    /** Counters of the platform; a runtime may have none. */
    ADDRESS_RATE?: RateLimit;
    KEY_RATE?: RateLimit;
    USER_RATE?: RateLimit;
    NEW_CHANNEL_RATE?: RateLimit;
  }
  interface GlobalProps {
    mainModule: typeof import("./worker.ts");
  }
}

interface Env extends Cloudflare.Env {}
