import type { Problem } from "../protocol/problem.ts";
import { type Query, serviceAddress, withQuery } from "./address.ts";
import { RollcallError, type RollcallErrorCode } from "./errors.ts";
import { mayRepeat, pauseMs, waited } from "./repeating.ts";

/** How to reach the service. Only `url` and `apiKey` are needed. */
export interface RollcallOptions {
  /** The service, `https://presence.example.com`; a path in it is kept as a prefix. */
  url: string | URL;
  /** The secret of one of `API_KEYS`: what stands behind the `=`. */
  apiKey: string;
  /** In place of the platform's own. */
  fetch?: typeof globalThis.fetch | undefined;
  /** How often a request is made at most, the first time included: 5 unless told otherwise. */
  tries?: number | undefined;
  /** How long one try may take, in milliseconds: 15,000 unless told otherwise. */
  timeoutMs?: number | undefined;
  /** `hop` of the event that these requests are made because of: see `because`. */
  hop?: number | undefined;
}

/** One request of the service's table. */
export interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** From the root of the service on, names escaped. */
  path: string;
  query?: Query;
  body?: object;
  /** To do it twice comes to the same: it may be made again where it is not known whether it took effect. */
  isRepeatable: boolean;
  /** A status that is an answer here, where its body is no problem, though it would be a failure elsewhere. */
  accepts?: number;
  /** It may take longer than others, in milliseconds. */
  withinMs?: number;
}

/** Whatever carries requests to the service. */
export interface Asking {
  /** Promises the answer's body, `undefined` where there is none. Rejects with a `RollcallError`. */
  ask<Answer>(request: ApiRequest): Promise<Answer>;
}

/** As in protocol/events.ts, which carries schemas that no SDK needs. */
const HOP_HEADER = "Rollcall-Hop";

/** Each request by itself over HTTP, and again where that may help. */
export class HttpAsking implements Asking {
  readonly #address: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: typeof globalThis.fetch;
  readonly #tries: number;
  readonly #timeoutMs: number;

  /** Throws a TypeError for options that can't be right. */
  constructor({ url, apiKey, fetch, tries = 5, timeoutMs = 15_000, hop }: RollcallOptions) {
    if (typeof apiKey !== "string" || !/^[!-~]+$/.test(apiKey))
      throw new TypeError("apiKey must be the secret of an API key, without spaces");
    if (!Number.isInteger(tries) || tries < 1) throw new TypeError("tries must be a whole number from 1");
    if (!(timeoutMs > 0)) throw new TypeError("timeoutMs must be more than 0");
    this.#address = serviceAddress(url);
    this.#headers = {
      Authorization: `Bearer ${apiKey}`,
      ...(hop !== undefined && { [HOP_HEADER]: String(hop) }),
    };
    // Found when it is called: whoever replaces the global for a test means this one too. Some platforms want no `this`.
    this.#fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#tries = tries;
    this.#timeoutMs = timeoutMs;
  }

  async ask<Answer>(request: ApiRequest): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#attempt<Answer>(request);
      } catch (error) {
        if (!(error instanceof RollcallError) || tries >= this.#tries || !mayRepeat(error, request))
          throw error;
        await waited(pauseMs(tries, error.retryAfterMs, Math.random()));
      }
    }
  }

  async #attempt<Answer>({ method, path, query, body, accepts, withinMs = 0 }: ApiRequest): Promise<Answer> {
    const url = new URL(withQuery(path, query).slice(1), this.#address);
    const content = body && { "Content-Type": "application/json" };
    const timeoutMs = Math.max(this.#timeoutMs, withinMs);
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(url, {
        method,
        headers: { Accept: "application/json", ...this.#headers, ...content },
        ...(body && { body: JSON.stringify(body) }),
        // Followed, a POST would become a GET.
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      text = await response.text();
    } catch (cause) {
      throw unanswered(cause, timeoutMs);
    }
    if (!response.ok) {
      const answer = jsonIn(text);
      if (isAnswer(response.status, answer, accepts)) return answer as Answer;
      throw problemIn(response.status, answer, retryAfterIn(response.headers));
    }
    return (text === "" ? undefined : parsed(text, response.status)) as Answer;
  }
}

/** What an answer's problem body says, wherever it stands. What is none becomes `bad_answer`. */
export function problemIn(status: number, body: unknown, retryAfterMs?: number): RollcallError {
  if (typeof body !== "object" || body === null || !("code" in body) || typeof body.code !== "string") {
    const wrongAddress = status >= 300 && status < 400 ? ": a redirect, so url is not the service's own" : "";
    return new RollcallError("bad_answer", `answered with ${status}${wrongAddress}`, {
      status,
      retryAfterMs,
    });
  }
  const { code, detail, errors, limit, retryAfterMs: askedMs } = body as Partial<Problem>;
  return new RollcallError(code as RollcallErrorCode, detail ?? body.code, {
    ...{ status, errors, limit },
    retryAfterMs: askedMs ?? retryAfterMs,
  });
}

/** Whether this is what was asked for: of a failure's status only the one that is accepted, and then no problem. */
export function isAnswer(status: number, body: unknown, accepts: number | undefined): boolean {
  if (status >= 200 && status < 300) return true;
  return status === accepts && typeof body === "object" && body !== null && !("code" in body);
}

/** Undefined for what is none: a page of a proxy says no more than its status. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `Retry-After` in milliseconds: seconds, or a date (RFC 9110, section 10.2.3). */
function retryAfterIn(headers: Headers): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function parsed(text: string, status: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RollcallError("bad_answer", `answered with ${status} and no JSON`, { status, cause });
  }
}

function unanswered(cause: unknown, timeoutMs: number): RollcallError {
  const isLate = cause instanceof Error && cause.name === "TimeoutError";
  if (isLate) return new RollcallError("timed_out", `no answer within ${timeoutMs} ms`, { cause });
  return new RollcallError("unreachable", "no connection to the service, or it broke", { cause });
}
