import { Webhook } from "standardwebhooks";
import type { Settings } from "../config.ts";
import { HOP_HEADER, type QueuedEvent } from "../protocol/events.ts";
import { targetFault } from "../protocol/webhook-target.ts";
import { askedPause } from "./schedule.ts";

const TIMEOUT_MS = 15_000;
const GONE = 410;

/** What became of one delivery. `gone`: the target wants nothing any more. */
export type Outcome =
  | { is: "delivered" }
  | { is: "gone"; error: string }
  | { is: "failed"; error: string; askedMs?: number };

/** Where events go, as the settings say. */
export interface Target {
  url: string;
  secrets: readonly string[];
  isInsecureAllowed: boolean;
}

/** What a delivery takes from the world; times in milliseconds. */
export interface Outside {
  now(): number;
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** For a test that has no quarter of a minute. */
  timeoutMs?: number;
}

/** Undefined where no webhook is set. */
export function targetOf(settings: Settings): Target | undefined {
  const { WEBHOOK_URL: url, WEBHOOK_SECRET: secrets, WEBHOOK_ALLOW_INSECURE: isInsecureAllowed } = settings;
  return url === undefined ? undefined : { url, secrets, isInsecureAllowed };
}

/**
 * One POST, as Standard Webhooks says. The address is looked at again, redirects are not followed, and nothing of the
 * answer is read but its status: whoever receives events can't send us anything. Never rejects.
 */
export async function deliver(event: QueuedEvent, target: Target, outside: Outside): Promise<Outcome> {
  const fault = targetFault(target.url, target.isInsecureAllowed);
  if (fault !== undefined) return { is: "failed", error: `WEBHOOK_URL ${fault}` };
  const now = outside.now();
  const body = bodyOf(event);
  try {
    const response = await outside.fetch(target.url, {
      method: "POST",
      headers: headersOf(event, body, target.secrets, now),
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(outside.timeoutMs ?? TIMEOUT_MS),
    });
    await response.body?.cancel();
    return outcomeOf(response, now);
  } catch (cause) {
    const isLate = cause instanceof Error && cause.name === "TimeoutError";
    return { is: "failed", error: isLate ? "no answer in time" : "no connection" };
  }
}

/** The same bytes at every try: `timestamp` is when it happened, in milliseconds. */
export function bodyOf({ type, at, data }: QueuedEvent): string {
  return JSON.stringify({ type, timestamp: at, data });
}

/** Signed anew for each try, with every secret: while one takes the other's place both verify. */
export function headersOf(
  event: QueuedEvent,
  body: string,
  secrets: readonly string[],
  now: number,
): Record<string, string> {
  const at = new Date(now);
  return {
    "Content-Type": "application/json",
    "User-Agent": "rollcall",
    "webhook-id": event.id,
    "webhook-timestamp": String(Math.floor(now / 1000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(event.id, at, body)).join(" "),
    [HOP_HEADER]: String(event.hop ?? 1),
    ...(event.redriven && { "Rollcall-Redriven": "true" }),
  };
}

function outcomeOf({ status, headers }: Response, now: number): Outcome {
  if (status >= 200 && status < 300) return { is: "delivered" };
  if (status === GONE) return { is: "gone", error: "status 410: gone" };
  const askedMs = status === 429 || status === 503 ? askedPause(headers.get("Retry-After"), now) : undefined;
  const error =
    status >= 300 && status < 400 ? `status ${status}: redirects are not followed` : `status ${status}`;
  return { is: "failed", error, ...(askedMs !== undefined && { askedMs }) };
}
