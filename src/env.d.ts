/** The bindings of `wrangler.toml`. Settings are read through `config.ts` only. */
interface Env {
  USER: DurableObjectNamespace;
  CHANNEL: DurableObjectNamespace;
  ASSETS: Fetcher;
}
