import type { Context } from "hono";
import type { Principal } from "../auth/principal.ts";
import type { Settings } from "../config.ts";
import type { Objects } from "../objects/ports.ts";
import type { ErrorCode } from "../protocol/codes.ts";

/** What every route finds in its context. */
export interface AppEnv {
  Bindings: Env;
  Variables: {
    settings: Settings;
    objects: Objects;
    /** Of this request, in its answer and in all lines about it. */
    requestId: string;
    /** Once it is known. */
    principal?: Principal;
    /** Why it was refused, where the Worker did that. */
    refused?: ErrorCode;
  };
}

export type AppContext = Context<AppEnv>;
export type { Principal };
