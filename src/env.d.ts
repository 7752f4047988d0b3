/** The bindings of `wrangler.toml`. Settings are read through `config.ts` only. */
declare namespace Cloudflare {
  interface Env {
    USER: DurableObjectNamespace;
    CHANNEL: DurableObjectNamespace;
    RELAY: DurableObjectNamespace;
    DIRECTORY: DurableObjectNamespace;
    ASSETS: Fetcher;
  }
  interface GlobalProps {
    mainModule: typeof import("./worker.ts");
  }
}

interface Env extends Cloudflare.Env {}
