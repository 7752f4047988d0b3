import { createMiddleware } from "hono/factory";
import { isLogged, log } from "../objects/log.ts";
import { objectsOf } from "../objects/stubs.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { RequestCounts } from "./request-counts.ts";

/** What may come from outside as a request's id: a UUID, a trace id. Nothing that a token or a name would pass for. */
const REQUEST_ID = /^[A-Za-z0-9-]{8,64}$/;

/** Losing what it has not told loses some requests from the metrics. */
const counts = new RequestCounts();

/** Every request has an id, which its answer carries, one line in the log when it is answered, and its place in the metrics. */
export const observed = createMiddleware<AppEnv>(async (context, next) => {
  const beganAt = Date.now();
  context.set("requestId", requestIdOf(context));
  await next();
  const answer = withId(context.res, context.get("requestId"));
  if (answer !== context.res) context.res = answer; // to set it would copy it
  if (isLogged("info")) tell(context, Date.now() - beganAt);
  count(context);
});

/** Whose request it is may say, else the network does; where neither does it is a new one. */
function requestIdOf(context: AppContext): string {
  const given = context.req.header("X-Request-Id");
  if (given !== undefined && REQUEST_ID.test(given)) return given;
  return context.req.header("CF-Ray") ?? crypto.randomUUID();
}

/** What came from another object can't be changed, and only trying tells; an upgrade can't be copied either. */
function withId(response: Response, id: string): Response {
  if (response.webSocket) return response;
  try {
    response.headers.set("X-Request-Id", id);
    return response;
  } catch {
    const copy = new Response(response.body, response);
    copy.headers.set("X-Request-Id", id);
    return copy;
  }
}

/** The pattern of the route, not the path: that holds names. */
function tell(context: AppContext, ms: number): void {
  const principal = context.get("principal");
  const refused = context.get("refused");
  log.info("request", {
    request: context.get("requestId"),
    method: context.req.method,
    route: context.req.routePath,
    status: context.res.status,
    ms,
    ...(refused && { code: refused }),
    ...(principal && (principal.kind === "key" ? { key: principal.key.name } : { user: principal.user })),
  });
}

/** Objects hear of it only after somebody who may talk to them: a flood of what is refused calls nobody. */
function count(context: AppContext): void {
  const settings = context.get("settings");
  if (settings === undefined) return; // nothing runs with bad settings
  counts.add(settings.COST_SAMPLE, context.res.status, context.get("refused"));
  if (context.get("principal") === undefined) return;
  const told = counts.tell(objectsOf(context.env), settings.DIRECTORY_SHARDS);
  if (told !== undefined) context.executionCtx.waitUntil(told);
}
