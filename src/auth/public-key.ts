import { type CryptoKey, importJWK } from "jose";
import * as z from "zod";

/** RFC 7518, section 3.3: a key of 2048 bits or larger must be used with RS256. */
const MIN_RSA_BITS = 2048;

/** Algorithms whose keys come from a key set. */
export type PublicAlgorithm = "RS256" | "ES256" | "EdDSA";

/** A key that verifies exactly one algorithm. `kid` is only ever compared. */
export interface PublicKey {
  kid: string | undefined;
  alg: PublicAlgorithm;
  key: CryptoKey;
}

/** A set that shows its private part (RFC 7518, sections 6.2.2 and 6.3.2) lets everybody sign: not a key. */
const common = {
  kid: z.string().optional(),
  use: z.literal("sig").optional(),
  key_ops: z
    .array(z.string())
    .refine((ops) => ops.includes("verify"))
    .optional(),
  d: z.never().optional(),
};

/**
 * A public key as RFC 7517 writes it, of a kind that we verify with: RSA and P-256 (RFC 7518, section 6),
 * Ed25519 (RFC 8037, section 2). A key is for one algorithm, whatever a token's header would like (RFC 8725,
 * section 3.1), so `alg`, which a key may leave out, can only be the one of its kind. All other members are
 * dropped here, `x5u` and `x5c` among them.
 */
const Jwk = z.discriminatedUnion("kty", [
  z.object({
    ...common,
    kty: z.literal("RSA"),
    alg: z.literal("RS256").optional(),
    n: z.string(),
    e: z.string(),
  }),
  z.object({
    ...common,
    kty: z.literal("EC"),
    crv: z.literal("P-256"),
    alg: z.literal("ES256").optional(),
    x: z.string(),
    y: z.string(),
  }),
  z.object({
    ...common,
    kty: z.literal("OKP"),
    crv: z.literal("Ed25519"),
    alg: z.literal("EdDSA").optional(),
    x: z.string(),
  }),
]);
type Jwk = z.infer<typeof Jwk>;

const ALGORITHM = { RSA: "RS256", EC: "ES256", OKP: "EdDSA" } as const satisfies Record<
  Jwk["kty"],
  PublicAlgorithm
>;

/** The key, or `undefined` where it is none that we verify with: such keys are ignored (RFC 7517, section 5). */
export async function publicKeyOf(member: unknown): Promise<PublicKey | undefined> {
  const parsed = Jwk.safeParse(member);
  if (!parsed.success) return undefined;
  const { kid, use: _use, key_ops: _ops, d: _d, ...jwk } = parsed.data;
  const alg = ALGORITHM[jwk.kty];
  const key = await imported(jwk, alg);
  return key === undefined || isShort(key) ? undefined : { kid, alg, key };
}

async function imported(jwk: object, alg: PublicAlgorithm): Promise<CryptoKey | undefined> {
  try {
    const key = await importJWK({ ...jwk }, alg);
    return key instanceof Uint8Array ? undefined : key;
  } catch {
    return undefined; // not base64url, or no point of the curve
  }
}

function isShort({ algorithm }: CryptoKey): boolean {
  return "modulusLength" in algorithm && Number(algorithm.modulusLength) < MIN_RSA_BITS;
}
