import { Hono } from "hono";
import { decodeJwt } from "jose";
import * as z from "zod";
import { DevelopmentClaims, signDevelopmentToken } from "../auth/development-token.ts";
import { UserId } from "../protocol/names.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { bodyIn } from "./input.ts";
import { Problem, problem } from "./problem.ts";

const TokenBody = z.object({ user: UserId, claims: DevelopmentClaims.default({}) });

/** What answers only where `CONSOLE` is on: the token maker and the page. Elsewhere neither exists. */
export const development = new Hono<AppEnv>().post("/v1/dev/token", async (context) => {
  mustBeConsole(context);
  const { user, claims } = await bodyIn(context, TokenBody);
  const signed = await signDevelopmentToken(user, claims, context.get("settings"), Date.now());
  if (typeof signed !== "string") throw new Problem(signed);
  return context.json({ token: signed, expiresAt: (decodeJwt(signed).exp ?? 0) * 1000 });
});

/** The console's files, for whatever no route took. */
export async function consoleFile(context: AppContext): Promise<Response> {
  mustBeConsole(context);
  if (context.req.method !== "GET" && context.req.method !== "HEAD")
    throw problem("not_found", "no such route");
  const file = await context.env.ASSETS.fetch(context.req.raw);
  if (file.status === 404) throw problem("not_found", "no such route");
  return file;
}

function mustBeConsole(context: AppContext): void {
  if (!context.get("settings").CONSOLE) throw problem("not_found", "no such route");
}
