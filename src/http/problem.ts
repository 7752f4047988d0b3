import { BadSettings } from "../config.ts";
import { ofAnotherVersion } from "../objects/another-version.ts";
import { log } from "../objects/log.ts";
import { refusedResponse } from "../objects/refused.ts";
import { type ErrorCode, type FieldError, isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import { isOverloaded, isPassing } from "./repeating.ts";

/** A refused request, thrown by whoever finds out and answered in one place: a problem body with its code. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly refusal: Refusal;
  readonly headers: Record<string, string>;

  constructor(refused: Refusal, headers: Record<string, string> = {}) {
    super(refused.message);
    this.refusal = refused;
    this.headers = headers;
  }
}

/** Which request failed: its id, its method, and the pattern of its route. */
interface About {
  request: string;
  method: string;
  route: string;
}

export function problem(code: ErrorCode, message: string, errors?: FieldError[]): Problem {
  return new Problem(refusal(code, message, errors));
}

/**
 * Every failure of a request as an answer. Bugs are logged with their cause and reach the outside as a code
 * only; an object that is overloaded or was just reset is worth coming back to.
 */
export function answerTo(error: Error, about: About): { code: ErrorCode; response: Response } {
  const refused = refusalFor(error, about);
  const headers = error instanceof Problem ? error.headers : {};
  return { code: refused.code, response: refusedResponse(refused, headers) };
}

function refusalFor(error: Error, about: About): Refusal {
  if (error instanceof Problem) return error.refusal;
  if (error instanceof BadSettings) {
    log.error("bad settings", { ...about }, error);
    return refusal("internal", error.message);
  }
  log.error("request failed", { ...about }, error);
  return failure(error);
}

/** What the outside learns of a call to an object that failed: a code, and whether to come back. */
export function failure(cause: unknown): Refusal {
  if (isPassing(cause) || isOverloaded(cause)) return refusal("unavailable", "try again in a moment");
  return ofAnotherVersion(cause) ?? refusal("internal", "something went wrong here");
}

/** What was granted; a refusal is thrown. */
export function granted<T extends object>(result: T | Refusal): T {
  if (isRefusal(result)) throw new Problem(result);
  return result;
}
