import { type CryptoKey, compactVerify, errors } from "jose";
import * as z from "zod";
import type { Settings } from "../config.ts";
import { Claims } from "../protocol/claims.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import { MAX_CLAIMS_BYTES } from "../protocol/limits.ts";
import { openCompact, readJson } from "./compact.ts";
import { keySetAt, type Outside } from "./key-set.ts";
import { faultOfTimes } from "./times.ts";

/**
 * What a header may say. `jku`, `x5u`, `jwk` and `x5c` are not even read: keys come from the settings alone,
 * and `kid` is only compared with those of the key set (RFC 8725, section 3.10). An extension that must be
 * understood is refused (RFC 7515, section 4.1.11), and `b64` comes only with one. A `typ` of its own marks a
 * token for something else (RFC 8725, section 3.11).
 */
const Header = z.object({
  alg: z.enum(["HS256", "RS256", "ES256", "EdDSA"]),
  kid: z.unknown().optional(),
  typ: z
    .string()
    .regex(/^(application\/)?jwt$/i)
    .optional(),
  crit: z.never().optional(),
  b64: z.never().optional(),
});
type Header = z.infer<typeof Header>;

/** `iss` and `aud` are checked here and then done with: what comes out are the `Claims`. */
const TokenClaims = Claims.extend({
  iss: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
});
type TokenClaims = z.infer<typeof TokenClaims>;

/**
 * The claims of a user's token, or why not: `token_expired` when nothing but its time is over, `unavailable`
 * when its key can't be fetched, otherwise `token_invalid`. The clock is `nowMs`. Messages name a claim or a
 * setting, never a value or the token. Nothing may be remembered by the token's text: each ECDSA signature
 * has a twin that anybody can compute.
 */
export async function verifyToken(
  token: string,
  settings: Settings,
  nowMs: number,
  outside: Partial<Outside> = {},
): Promise<Claims | Refusal> {
  const opened = openCompact(token);
  if (opened === undefined) return invalid("not a token in compact form");
  if (opened.payload.length > MAX_CLAIMS_BYTES)
    return invalid(`claims of more than ${MAX_CLAIMS_BYTES} bytes`);
  const header = Header.safeParse(opened.header);
  if (!header.success) return invalid(fault("header", header.error));
  const keys = await keysFor(header.data, settings, nowMs, outside);
  if (isRefusal(keys)) return keys;
  if (!(await hasSignature(token, header.data.alg, keys))) return invalid("the signature is not ours");

  const parsed = TokenClaims.safeParse(readJson(opened.payload));
  if (!parsed.success) return invalid(fault("claim", parsed.error));
  const { iss, aud, ...claims } = parsed.data;
  return faultOfParties({ iss, aud }, settings) ?? faultOfTimes(claims, settings, nowMs) ?? claims;
}

/**
 * Each algorithm only with its own kind of key, whatever the header would like (RFC 8725, section 3.1). There are two
 * while `JWT_SECRET` is being changed.
 */
async function keysFor(
  { alg, kid }: Header,
  settings: Settings,
  nowMs: number,
  outside: Partial<Outside>,
): Promise<readonly (CryptoKey | Uint8Array)[] | Refusal> {
  const { JWT_SECRET, JWT_SECRET_PREVIOUS, JWKS_URL } = settings;
  if (alg === "HS256") {
    const secrets = [JWT_SECRET, JWT_SECRET_PREVIOUS].filter((secret) => secret !== undefined);
    return secrets.length === 0 ? notAccepted() : secrets.map((secret) => new TextEncoder().encode(secret));
  }
  if (JWKS_URL === undefined) return notAccepted();
  if (kid !== undefined && typeof kid !== "string") return invalid("header kid is missing or not valid");
  const key = await keySetAt(JWKS_URL).key({ alg, kid }, nowMs, outside);
  return isRefusal(key) ? key : [key];
}

/** By any of these keys. */
async function hasSignature(
  token: string,
  alg: string,
  keys: readonly (CryptoKey | Uint8Array)[],
): Promise<boolean> {
  for (const key of keys) {
    try {
      await compactVerify(token, key, { algorithms: [alg] });
      return true;
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
    }
  }
  return false;
}

/** Who made the token and for whom: RFC 7519, sections 4.1.1 and 4.1.3; RFC 8725, sections 3.8 and 3.9. */
function faultOfParties({ iss, aud }: Pick<TokenClaims, "iss" | "aud">, settings: Settings) {
  const { JWT_ISSUER, JWT_AUDIENCE } = settings;
  if (JWT_ISSUER !== undefined && iss !== JWT_ISSUER) return invalid("claim iss is not JWT_ISSUER");
  if (JWT_AUDIENCE === undefined) return undefined;
  const meant = typeof aud === "string" ? [aud] : (aud ?? []);
  return meant.includes(JWT_AUDIENCE) ? undefined : invalid("claim aud does not hold JWT_AUDIENCE");
}

/** The first wrong field by its own name only: deeper paths and received values were written by a stranger. */
function fault(part: "header" | "claim", error: z.ZodError): string {
  const issue = error.issues[0];
  const field = issue?.path[0];
  if (issue === undefined || field === undefined) return `${part}: not a JSON object`;
  return `${part} ${String(field)} is missing or not valid`;
}

function notAccepted(): Refusal {
  return invalid("signed with an algorithm that is not accepted here");
}

function invalid(message: string): Refusal {
  return refusal("token_invalid", message);
}
