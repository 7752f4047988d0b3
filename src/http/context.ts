import type { Context } from "hono";
import type { Principal } from "../auth/principal.ts";
import type { Settings } from "../config.ts";
import type { Objects } from "../objects/ports.ts";

/** What every route finds in its context. */
export interface AppEnv {
  Bindings: Env;
  Variables: { settings: Settings; objects: Objects };
}

export type AppContext = Context<AppEnv>;
export type { Principal };
