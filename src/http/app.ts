import { Hono, type HonoRequest } from "hono";
import { cors } from "hono/cors";
import { originAllowed } from "../auth/origin.ts";
import { settingsOf } from "../config.ts";
import { logBy } from "../objects/log.ts";
import { objectsOf } from "../objects/stubs.ts";
import { refusal } from "../protocol/codes.ts";
import { batch } from "./batch.ts";
import { broadcast } from "./broadcast.ts";
import { channels } from "./channels.ts";
import { connect } from "./connect.ts";
import type { AppEnv } from "./context.ts";
import { deadLetters } from "./dead-letters.ts";
import { consoleFile, development } from "./development.ts";
import { directory } from "./directory.ts";
import { hopIn } from "./hops.ts";
import { inbox } from "./inbox.ts";
import { maintenance } from "./maintenance.ts";
import { many } from "./many.ts";
import { metrics } from "./metrics.ts";
import { observed } from "./observed.ts";
import { answerTo, Problem } from "./problem.ts";
import { reference } from "./reference.ts";
import { repeating } from "./repeating.ts";
import { tickets } from "./tickets.ts";
import { users } from "./users.ts";
import { watches } from "./watches.ts";

/** Every route of the contract. */
export function createApp(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(observed);
  app.use(async (context, next) => {
    const settings = settingsOf(context.env);
    logBy(settings);
    context.set("settings", settings);
    context.set("objects", repeating(objectsOf(context.env)));
    await next();
  });
  const forBrowsers = cors({
    origin: (origin, context) => (originAllowed(origin, context.get("settings")) ? origin : null),
    allowHeaders: ["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Rollcall-Session"],
    allowMethods: ["GET", "POST", "PUT", "DELETE"],
    exposeHeaders: ["Retry-After", "X-Request-Id"],
    maxAge: 600,
  });
  // A back end does not pay for what it has no use for: three responses are made where there is CORS.
  app.use("/v1/*", (context, next) => (isFromPage(context.req) ? forBrowsers(context, next) : next()));
  app.use("/v1/*", async (context, next) => {
    hopIn(context); // whatever it asks for: what goes round for ever is refused
    await next();
  });
  app.route("/", maintenance);
  app.route("/", tickets);
  app.route("/", connect);
  app.route("/", channels);
  app.route("/", users);
  app.route("/", watches);
  app.route("/", inbox);
  app.route("/", directory);
  app.route("/", broadcast);
  app.route("/", deadLetters);
  app.route("/", metrics);
  app.route("/", many);
  app.route(
    "/",
    batch((request, { env, executionCtx }) => app.fetch(request, env, executionCtx)),
  );
  app.route("/", reference);
  refuseOtherMethods(app);
  app.route("/", development); // without CONSOLE not even its methods are known
  app.notFound(consoleFile);
  app.onError((error, context) => {
    const { method, routePath: route } = context.req;
    const { code, response } = answerTo(error, { request: context.get("requestId"), method, route });
    context.set("refused", code);
    return response;
  });
  return app;
}

/** A page of another origin, or a browser that asks for one. */
function isFromPage(request: HonoRequest): boolean {
  return request.header("Origin") !== undefined || request.method === "OPTIONS";
}

/** A known path with another method is 405, and says which methods it has. */
function refuseOtherMethods(app: Hono<AppEnv>): void {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    if (method !== "ALL") methods.set(path, (methods.get(path) ?? new Set()).add(method));
  }
  for (const [path, known] of methods) {
    app.all(path, (context) => {
      const refused = refusal("method_not_allowed", `${context.req.method} is not allowed here`);
      throw new Problem(refused, { Allow: [...known].sort().join(", ") });
    });
  }
}
