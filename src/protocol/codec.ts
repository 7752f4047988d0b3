import type * as z from "zod";
import { ClientFrame, Ref } from "./client-frames.ts";
import { type FieldError, type Refusal, refusal } from "./codes.ts";
import { MAX_JSON_DEPTH, MAX_MESSAGES_PER_FRAME } from "./limits.ts";

/** One message of a client's frame: understood, or refused with the `ref` it carried. */
export type Decoded = { frame: ClientFrame } | { refused: Refusal; ref?: Ref };

/**
 * Reads one text frame of a client. The caller has checked its size. Never throws: whatever is wrong
 * comes back as a coded refusal, one for each message of a batch.
 */
export function decodeClientText(text: string): Decoded[] {
  const parsed = parseJson(text);
  if ("refused" in parsed) return [parsed];
  const { value } = parsed;
  if (!Array.isArray(value)) return [decodeMessage(value)];
  if (value.length === 0) return [{ refused: refusal("bad_request", "an empty array holds no message") }];
  if (value.length > MAX_MESSAGES_PER_FRAME) {
    const message = `at most ${MAX_MESSAGES_PER_FRAME} messages in one frame`;
    return [{ refused: refusal("bad_request", message) }];
  }
  return value.map(decodeMessage);
}

/** `JSON.parse` behind a check of depth; the refusal is `invalid_json`. */
export function parseJson(text: string): { value: unknown } | { refused: Refusal } {
  if (exceedsDepth(text, MAX_JSON_DEPTH)) {
    return { refused: refusal("invalid_json", `nested deeper than ${MAX_JSON_DEPTH}`) };
  }
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { refused: refusal("invalid_json", "not valid JSON") };
  }
}

/** Whether brackets outside strings nest deeper than `max`: one pass, before anything is built. */
export function exceedsDepth(text: string, max: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (inString) {
      if (unit === 0x5c /* \ */) i++;
      else if (unit === 0x22 /* " */) inString = false;
    } else if (unit === 0x22) inString = true;
    else if (unit === 0x7b /* { */ || unit === 0x5b /* [ */) {
      if (++depth > max) return true;
    } else if (unit === 0x7d /* } */ || unit === 0x5d /* ] */) depth--;
  }
  return false;
}

/** A zod error as a refusal that names each wrong field; a wrong name has its own code. */
export function refusalOf(error: z.ZodError): Refusal {
  const errors = error.issues.slice(0, 20).map(fieldError);
  const first = errors[0];
  const message = first === undefined ? "invalid" : `${first.path || "message"}: ${first.message}`;
  if (errors.every(({ path }) => path === "channel")) return refusal("invalid_channel", message, errors);
  if (errors.every(({ path }) => path === "user")) return refusal("invalid_user", message, errors);
  return refusal("bad_request", message, errors);
}

function decodeMessage(value: unknown): Decoded {
  const result = ClientFrame.safeParse(value);
  if (result.success) return { frame: result.data };
  const ref = refOf(value);
  return ref === undefined ? { refused: refusalOf(result.error) } : { refused: refusalOf(result.error), ref };
}

function refOf(value: unknown): Ref | undefined {
  if (typeof value !== "object" || value === null || !("ref" in value)) return undefined;
  return Ref.safeParse(value.ref).data;
}

function fieldError(issue: z.core.$ZodIssue): FieldError {
  const path = issue.path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? String(part) : `.${String(part)}`))
    .join("");
  return { path, message: issue.message };
}
