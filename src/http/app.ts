import { Hono, type HonoRequest } from "hono";
import { cors } from "hono/cors";
import { originAllowed } from "../auth/origin.ts";
import { settingsOf } from "../config.ts";
import { objectsOf } from "../objects/stubs.ts";
import { refusal } from "../protocol/codes.ts";
import { LATER_ROUTES, notAvailable } from "../protocol/later.ts";
import { batch } from "./batch.ts";
import { broadcast } from "./broadcast.ts";
import { channels } from "./channels.ts";
import { connect } from "./connect.ts";
import type { AppEnv } from "./context.ts";
import { consoleFile, development } from "./development.ts";
import { directory } from "./directory.ts";
import { inbox } from "./inbox.ts";
import { many } from "./many.ts";
import { answerTo, Problem } from "./problem.ts";
import { reference } from "./reference.ts";
import { repeating } from "./repeating.ts";
import { tickets } from "./tickets.ts";
import { users } from "./users.ts";
import { watches } from "./watches.ts";

/** Every route of the contract. Those not built yet are listed in `protocol/later.ts`. */
export function createApp(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(async (context, next) => {
    context.set("settings", settingsOf(context.env));
    context.set("objects", repeating(objectsOf(context.env)));
    await next();
  });
  const forBrowsers = cors({
    origin: (origin, context) => (originAllowed(origin, context.get("settings")) ? origin : null),
    allowHeaders: ["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Rollcall-Session"],
    allowMethods: ["GET", "POST", "PUT", "DELETE"],
    exposeHeaders: ["Retry-After"],
    maxAge: 600,
  });
  // A back end does not pay for what it has no use for: three responses are made where there is CORS.
  app.use("/v1/*", (context, next) => (isFromPage(context.req) ? forBrowsers(context, next) : next()));
  app.get("/healthz", (context) => context.json({ status: "ok" }));
  app.route("/", tickets);
  app.route("/", connect);
  app.route("/", channels);
  app.route("/", users);
  app.route("/", watches);
  app.route("/", inbox);
  app.route("/", directory);
  app.route("/", broadcast);
  app.route("/", many);
  app.route(
    "/",
    batch((request, { env, executionCtx }) => app.fetch(request, env, executionCtx)),
  );
  app.route("/", reference);
  for (const [method, path] of LATER_ROUTES) {
    app.on(method, path, () => {
      throw new Problem(notAvailable(`${method} ${path}`));
    });
  }
  refuseOtherMethods(app);
  app.route("/", development); // without CONSOLE not even its methods are known
  app.notFound(consoleFile);
  app.onError((error, context) => answerTo(error, context.req.method, context.req.routePath));
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
