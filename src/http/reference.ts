import { Hono } from "hono";
import type { AppContext, AppEnv } from "./context.ts";

/** A deploy changes them: whoever asks again after so long hears of it. */
const FRESH_SECONDS = 300;

const JSON_TYPE = "application/json; charset=utf-8";

/** What the service says about itself: both documents, and a page to read them. `src/reference` makes them. */
export const reference = new Hono<AppEnv>()
  .get("/v1/openapi.json", (context) => file(context, "openapi.json", JSON_TYPE))
  .get("/v1/asyncapi.json", (context) => file(context, "asyncapi.json", JSON_TYPE))
  .get("/docs", (context) => file(context, "docs", "text/html; charset=utf-8"));

/** One of the deploy's own files, whatever `CONSOLE` says; 304 to who has it already. The page brings a policy of its own. */
async function file(context: AppContext, name: string, type: string): Promise<Response> {
  const known = context.req.header("If-None-Match");
  const address = new URL(`/reference/${name}`, context.req.url);
  const found = await context.env.ASSETS.fetch(address, {
    headers: known === undefined ? {} : { "If-None-Match": known },
  });
  if (found.status !== 200 && found.status !== 304) throw new Error(`no file ${name}: ${found.status}`);
  const headers = {
    "Content-Type": type,
    "Cache-Control": `public, max-age=${FRESH_SECONDS}`,
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    ...(found.headers.has("ETag") && { ETag: found.headers.get("ETag") ?? "" }),
  };
  return new Response(found.body, { status: found.status, headers });
}
