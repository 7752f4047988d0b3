import { RollcallError } from "./errors.ts";

/** The user's JWT, or what gets one. */
export type TokenSource = string | (() => string | Promise<string>);

/** A token to present now. Rejects with `token_unavailable`. */
export async function tokenOf(source: TokenSource): Promise<string> {
  try {
    return typeof source === "string" ? source : await source();
  } catch (cause) {
    throw new RollcallError("token_unavailable", "no token", { cause });
  }
}
