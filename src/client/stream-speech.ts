import { type SaidFrame, type StreamRequest, translate } from "./stream-requests.ts";
import type { Timers } from "./timers.ts";

/** As long as a request of the SDK waits for its answer. */
const ANSWER_WITHIN_MS = 10_000;
/** Of what nobody waits for, such as a cursor's place, no more than this may queue up: it is worth nothing later. */
const MAX_WAITING_SIGNALS = 16;

export interface SpeechSetup {
  fetch: typeof fetch;
  timers: Timers;
  /** Where `v1/` lies. */
  base: URL;
  /** The token that counts now. */
  token(): string;
  user: string;
  session: string;
  channel: string | undefined;
  /** An `ok` or `error` frame. */
  answered(frame: object): void;
  /** The service knows this session no more. */
  gone(): void;
}

/** What came of one request. */
type Outcome = { body: object } | { error: { code: string; [field: string]: unknown } };

/** What a session whose stream only listens has to say: over HTTP, and answered in frames. */
export class StreamSpeech {
  readonly #setup: SpeechSetup;
  readonly #over = new AbortController();
  /** By path what is under way there: one after the other, so that what was said first arrives first. */
  readonly #lanes = new Map<string, { last: Promise<void>; waiting: number }>();

  constructor(setup: SpeechSetup) {
    this.#setup = setup;
  }

  say(frame: SaidFrame): void {
    const translated = translate(frame, this.#setup);
    if ("code" in translated) return this.#answer(frame, { error: translated });
    const { requests, answer } = translated;
    const [first] = requests;
    const work = async () => {
      const bodies: object[] = [];
      // All at once: a hundred people watched one after the other would take longer than anybody waits.
      for (const outcome of await Promise.all(requests.map((request) => this.#ask(request)))) {
        if ("error" in outcome) return this.#answer(frame, outcome);
        bodies.push(outcome.body);
      }
      this.#answer(frame, { body: answer(bodies) });
    };
    if (first === undefined || first.method === "GET") void work();
    else this.#inTurn(first.path, frame, work);
  }

  /** Nothing more is asked or answered; the session ends, which the service would find out only later. */
  end(): void {
    if (this.#over.signal.aborted) return;
    const { user, session } = this.#setup;
    const path = `users/${encodeURIComponent(user)}/sessions/${session}`;
    // A page that is being left may still say so. Where it can't be said, a heartbeat that fails ends the session.
    this.#fetch({ method: "DELETE", path }, { keepalive: true }).catch(() => undefined);
    this.#over.abort();
  }

  #inTurn(path: string, frame: SaidFrame, work: () => Promise<void>): void {
    const lane = this.#lanes.get(path) ?? { last: Promise.resolve(), waiting: 0 };
    if (frame.ref === undefined && lane.waiting >= MAX_WAITING_SIGNALS) return;
    lane.waiting++;
    lane.last = lane.last.then(work).then(() => {
      if (--lane.waiting === 0) this.#lanes.delete(path);
    });
    this.#lanes.set(path, lane);
  }

  #answer({ ref }: SaidFrame, outcome: Outcome): void {
    if (this.#over.signal.aborted) return;
    if ("error" in outcome) {
      // Whoever waits hears that the connection is lost, and may repeat it on the next.
      if (outcome.error.code === "session_gone") this.#setup.gone();
      else this.#setup.answered({ ...outcome.error, type: "error", ref });
    } else if (ref !== undefined) this.#setup.answered({ ...outcome.body, type: "ok", ref });
  }

  /** Never rejects: what did not get through is `unavailable`, and whether it took effect is unknown. */
  async #ask(request: StreamRequest): Promise<Outcome> {
    if (this.#over.signal.aborted) return { error: { code: "unavailable" } };
    const abort = new AbortController();
    const give = () => abort.abort();
    const cancel = this.#setup.timers.after(ANSWER_WITHIN_MS, give);
    this.#over.signal.addEventListener("abort", give);
    try {
      const response = await this.#fetch(request, { signal: abort.signal });
      const text = await response.text();
      const body: unknown = text === "" ? {} : JSON.parse(text);
      if (typeof body !== "object" || body === null) throw new TypeError("no JSON object");
      return response.ok ? { body } : { error: problemIn(body, response) };
    } catch {
      return { error: { code: "unavailable", message: "the request did not get through" } };
    } finally {
      cancel();
      this.#over.signal.removeEventListener("abort", give);
    }
  }

  #fetch({ method, path, body }: StreamRequest, init: RequestInit): Promise<Response> {
    const { fetch, base, token, session } = this.#setup;
    const headers = {
      authorization: `Bearer ${token()}`,
      "rollcall-session": session,
      ...(body && { "content-type": "application/json" }),
    };
    const text = body && { body: JSON.stringify(body) };
    return fetch(new URL(`v1/${path}`, base), { method, headers, ...text, ...init });
  }
}

/** A problem body as the fields of an `error` frame. */
function problemIn(body: object, { status, headers }: Response): { code: string } {
  const { code, detail, errors } = body as { code?: unknown; detail?: unknown; errors?: unknown };
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return {
    code: typeof code === "string" ? code : status < 500 ? "bad_request" : "unavailable",
    ...{ message: typeof detail === "string" ? detail : `HTTP ${status}` },
    ...(Number.isFinite(seconds) && { retryAfterMs: seconds * 1000 }),
    ...(errors !== undefined && { errors }),
  };
}
