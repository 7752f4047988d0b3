import type { Tokens } from "../../src/objects/ports.ts";
import { Claims } from "../../src/protocol/claims.ts";
import { refusal } from "../../src/protocol/codes.ts";

/** Tokens of the simulator are their own claims as JSON: who signs them is not what it is about. */
export function simulatedTokens(now: () => number): Tokens {
  return {
    verify: async (token) => {
      const claims = Claims.safeParse(JSON.parse(token));
      if (!claims.success) return refusal("token_invalid", "not claims");
      if (claims.data.exp * 1000 <= now()) return refusal("token_expired", "the token has expired");
      return claims.data;
    },
  };
}
