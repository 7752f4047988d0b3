import { CompactSign } from "jose";
import type * as z from "zod";
import type { Settings } from "../config.ts";
import { Claims } from "../protocol/claims.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";

const LIFETIME_SECONDS = 3600;

/** What may be asked for beside the user; times of one's own replace those below. */
export const DevelopmentClaims = Claims.omit({ sub: true }).partial();
export type DevelopmentClaims = z.infer<typeof DevelopmentClaims>;

/**
 * A token for `user` that `verifyToken` accepts under the same settings: one hour, or less where these allow
 * only less. For development and the console; a deployment's tokens come from its own back end. Refuses
 * where there is no `JWT_SECRET` to sign with.
 */
export async function signDevelopmentToken(
  user: string,
  claims: DevelopmentClaims,
  settings: Settings,
  nowMs: number,
): Promise<string | Refusal> {
  const { JWT_SECRET, JWT_ISSUER, JWT_AUDIENCE, MAX_TOKEN_LIFETIME_SECONDS } = settings;
  if (JWT_SECRET === undefined) return refusal("unavailable", "tokens are made here only with a JWT_SECRET");
  const iat = Math.floor(nowMs / 1000);
  const exp = iat + Math.min(LIFETIME_SECONDS, MAX_TOKEN_LIFETIME_SECONDS);
  const payload = JSON.stringify({ iss: JWT_ISSUER, aud: JWT_AUDIENCE, iat, exp, ...claims, sub: user });
  return new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(new TextEncoder().encode(JWT_SECRET));
}
