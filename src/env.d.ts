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
    /** Workers Analytics Engine, where the account has it. */
    METRICS?: AnalyticsEngineDataset;
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

/** The runtime has it (`nodejs_compat`, on by date since 2026-08-04): web crypto makes no digest within a turn. */
declare module "node:crypto" {
  interface Digest extends Uint8Array {
    toString(encoding?: "hex"): string;
  }
  interface Hmac {
    update(text: string): Hmac;
    digest(): Digest;
  }
  export function createHmac(algorithm: "sha256", key: string | Uint8Array): Hmac;
  export function randomBytes(size: number): Uint8Array;
}

interface Env extends Cloudflare.Env {}
