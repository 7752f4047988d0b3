import { type Refusal, refusal } from "../protocol/codes.ts";

/** Objects that have something to do keep their code for at most 300 s after a deployment; most change much sooner. */
const ASK_AGAIN_MS = 30_000;

/**
 * What to answer where the called object is of another version, before or after the one that knows this call: so it is for
 * some minutes of each deployment. Undefined where the failure is another one. The runtime marks it by nothing but its sentence.
 */
export function ofAnotherVersion(cause: unknown): Refusal | undefined {
  if (!(cause instanceof TypeError) || !cause.message.includes("does not implement the method"))
    return undefined;
  const message = "a deployment is under way, and a part of the service does not know this yet";
  return { ...refusal("unavailable", message), retryAfterMs: ASK_AGAIN_MS };
}
