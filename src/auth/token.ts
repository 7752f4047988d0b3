import { compactVerify, errors } from "jose";
import * as z from "zod";
import type { Settings } from "../config.ts";
import { Claims } from "../protocol/claims.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";
import { MAX_CLAIMS_BYTES, MAX_ISSUED_AHEAD_SECONDS } from "../protocol/limits.ts";
import { openCompact, readJson } from "./compact.ts";

/**
 * What a header may say. `jku`, `x5u`, `jwk`, `x5c` and `kid` are not even read: keys come from the settings
 * alone (RFC 8725, section 3.10). An extension that must be understood is refused (RFC 7515, section 4.1.11),
 * and `b64` comes only with one. A `typ` of its own marks a token for something else (RFC 8725, section 3.11).
 */
const Header = z.object({
  alg: z.enum(["HS256"]),
  typ: z
    .string()
    .regex(/^(application\/)?jwt$/i)
    .optional(),
  crit: z.never().optional(),
  b64: z.never().optional(),
});
type Algorithm = z.infer<typeof Header>["alg"];

/** `iss` and `aud` are checked here and then done with: what comes out are the `Claims`. */
const TokenClaims = Claims.extend({
  iss: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
});
type TokenClaims = z.infer<typeof TokenClaims>;

/**
 * The claims of a user's token, or why not: `token_expired` when nothing but its time is over, otherwise
 * `token_invalid`. The clock is `nowMs`. Messages name a claim or a setting, never a value or the token.
 */
export async function verifyToken(
  token: string,
  settings: Settings,
  nowMs: number,
): Promise<Claims | Refusal> {
  const opened = openCompact(token);
  if (opened === undefined) return invalid("not a token in compact form");
  if (opened.payload.length > MAX_CLAIMS_BYTES)
    return invalid(`claims of more than ${MAX_CLAIMS_BYTES} bytes`);
  const header = Header.safeParse(opened.header);
  if (!header.success) return invalid(fault("header", header.error));
  const { alg } = header.data;
  const key = keyFor(alg, settings);
  if (key === undefined) return invalid("signed with an algorithm that is not accepted here");
  if (!(await hasSignature(token, alg, key))) return invalid("the signature is not ours");

  const parsed = TokenClaims.safeParse(readJson(opened.payload));
  if (!parsed.success) return invalid(fault("claim", parsed.error));
  const { iss, aud, ...claims } = parsed.data;
  return faultOfParties({ iss, aud }, settings) ?? faultOfTimes(claims, settings, nowMs / 1000) ?? claims;
}

/** Each algorithm only with its own kind of key, whatever the header would like (RFC 8725, section 3.1). */
function keyFor(alg: Algorithm, settings: Settings): Uint8Array | undefined {
  switch (alg) {
    case "HS256":
      return settings.JWT_SECRET === undefined ? undefined : new TextEncoder().encode(settings.JWT_SECRET);
  }
}

async function hasSignature(token: string, alg: Algorithm, key: Uint8Array): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [alg] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}

/** Who made the token and for whom: RFC 7519, sections 4.1.1 and 4.1.3; RFC 8725, sections 3.8 and 3.9. */
function faultOfParties({ iss, aud }: Pick<TokenClaims, "iss" | "aud">, settings: Settings) {
  const { JWT_ISSUER, JWT_AUDIENCE } = settings;
  if (JWT_ISSUER !== undefined && iss !== JWT_ISSUER) return invalid("claim iss is not JWT_ISSUER");
  if (JWT_AUDIENCE === undefined) return undefined;
  const meant = typeof aud === "string" ? [aud] : (aud ?? []);
  return meant.includes(JWT_AUDIENCE) ? undefined : invalid("claim aud does not hold JWT_AUDIENCE");
}

/** Expiry comes last, so that `token_expired` promises that a newer token of this kind would do. */
function faultOfTimes({ exp, nbf, iat }: Claims, settings: Settings, now: number): Refusal | undefined {
  const leeway = settings.CLOCK_LEEWAY_SECONDS;
  if (exp - now > settings.MAX_TOKEN_LIFETIME_SECONDS + leeway) {
    return invalid("claim exp lies further ahead than MAX_TOKEN_LIFETIME_SECONDS");
  }
  if (nbf !== undefined && nbf - now > leeway) return invalid("claim nbf lies ahead: not valid yet");
  if (iat !== undefined && iat - now > MAX_ISSUED_AHEAD_SECONDS) return invalid("claim iat lies ahead");
  if (now - exp >= leeway) return refusal("token_expired", "the token has expired");
  return undefined;
}

/** The first wrong field by its own name only: deeper paths and received values were written by a stranger. */
function fault(part: "header" | "claim", error: z.ZodError): string {
  const issue = error.issues[0];
  const field = issue?.path[0];
  if (issue === undefined || field === undefined) return `${part}: not a JSON object`;
  return `${part} ${String(field)} is missing or not valid`;
}

function invalid(message: string): Refusal {
  return refusal("token_invalid", message);
}
