import { env } from "cloudflare:workers";
import { createApp } from "../../src/http/app.ts";

/** Keys with one scope each: `Bearer <scope>-key-of-this-test`. */
export const SCOPES = ["publish", "read", "manage", "ops"] as const;

const settings = {
  JWT_SECRET: (env as unknown as { JWT_SECRET: string }).JWT_SECRET,
  API_KEYS: SCOPES.map((scope) => `${scope}:${scope}=${keyOf(scope)}`).join(),
  ALLOW_QUERY_TOKEN: "true",
  DEFAULT_GRANTS: "open",
};

/** An object that takes every call, knows nobody, and lets everybody pass. */
const answersAnything = new Proxy(
  {},
  { get: (_, method) => async () => (method === "allow" ? { allowed: true } : {}) },
);
const namespace = { getByName: () => answersAnything };

/** The routes as they are deployed. */
export const app = createApp();

/** The secret of the key with this one scope. */
export function keyOf(scope: string): string {
  return `${scope}-key-of-this-test`;
}

/** The routes and all that comes before an object is called; behind them is nothing. */
export async function askRoutes(path: string, init: RequestInit): Promise<Response> {
  const bindings = {
    ...settings,
    USER: namespace,
    CHANNEL: namespace,
    RELAY: namespace,
    DIRECTORY: namespace,
  };
  const background = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
  return app.fetch(new Request(`http://rollcall.test${path}`, init), bindings as never, background as never);
}
