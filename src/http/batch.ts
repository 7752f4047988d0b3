import { Hono } from "hono";
import { Scope } from "../config.ts";
import { mapAtMost } from "../objects/at-most.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";
import { HOP_HEADER } from "../protocol/events.ts";
import { MAX_BATCH_ANSWER, MAX_BATCHED_TARGETS } from "../protocol/limits.ts";
import { BatchBody } from "../protocol/many.ts";
import { problemOf } from "../protocol/problem.ts";
import { requireKey } from "./access.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { bodyIn } from "./input.ts";
import { isRefused, type Planned, planned } from "./operation.ts";
import { problem } from "./problem.ts";

/** Operations under way at once. */
const MOST_AT_ONCE = 10;

/** Asks this very service, within the process. */
type Ask = (request: Request, context: AppContext) => Response | Promise<Response>;

/** Requests that are operations of a batch. One of them that is a batch itself, however it is spelled, is none. */
const operationsAsked = new WeakSet<Request>();

/**
 * Many requests in one. Each is what it would be by itself: authorised, checked and answered alone. What is
 * about one user or channel happens in the order listed; what names none comes after all before it, and before
 * all after it.
 */
export function batch(ask: Ask): Hono<AppEnv> {
  return new Hono<AppEnv>().post("/v1/batch", async (context) => {
    await requireKey(context, ...Scope.options);
    if (operationsAsked.has(context.req.raw)) throw problem("bad_request", "no batch within a batch");
    if (context.req.header("Idempotency-Key") !== undefined) throw keyIsForNobody();
    const { operations } = await bodyIn(context, BatchBody);
    const plan = operations.map(planned);
    mustBeFew(plan);
    const results = new Results();
    await inOrder(plan, async (operation, index) =>
      results.put(index, isRefused(operation) ? refused(operation) : await asked(ask, context, operation)),
    );
    const headers = { "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store" };
    return context.body(results.toString(), 200, headers);
  });
}

/** Stretches of operations that name an object, one line for each object; what names none is a stretch alone. */
async function inOrder(
  plan: (Planned | Refusal)[],
  run: (operation: Planned | Refusal, index: number) => Promise<void>,
): Promise<void> {
  let lines = new Map<string, number[]>();
  const carryOut = async () => {
    await mapAtMost(MOST_AT_ONCE, [...lines.values()], async (line) => {
      for (const index of line) await run(plan[index] as Planned | Refusal, index);
    });
    lines = new Map();
  };
  for (const [index, operation] of plan.entries()) {
    const object = isRefused(operation) ? `refused ${index}` : operation.object;
    if (object === null) await carryOut();
    const name = object ?? "all";
    lines.set(name, [...(lines.get(name) ?? []), index]);
    if (object === null) await carryOut();
  }
  await carryOut();
}

async function asked(ask: Ask, context: AppContext, operation: Planned): Promise<Result> {
  const { method, path, body } = operation;
  const hop = context.req.header(HOP_HEADER);
  const headers = {
    Authorization: context.req.header("Authorization") ?? "",
    "X-Request-Id": context.get("requestId"),
    ...(hop !== undefined && { [HOP_HEADER]: hop }),
  };
  const init = body === undefined ? { method, headers } : { method, headers, body };
  const request = new Request(new URL(path, context.req.url), init);
  operationsAsked.add(request);
  const response = await ask(request, context);
  const text = await response.text();
  const isJson = response.headers.get("Content-Type")?.includes("json") === true;
  return { status: response.status, bodyJson: isJson ? text : text === "" ? "null" : JSON.stringify(text) };
}

/** What came of one operation; `bodyJson` is passed on as it came. */
interface Result {
  status: number;
  bodyJson: string;
}

function refused(refusal: Refusal): Result {
  const { status, body } = problemOf(refusal);
  return { status, bodyJson: JSON.stringify(body) };
}

/** The answers in their places. One for which no room is left was carried out all the same, and says so. */
class Results {
  readonly #texts: string[] = [];
  #characters = 0;

  put(index: number, result: Result): void {
    const isTooMuch = this.#characters + result.bodyJson.length > MAX_BATCH_ANSWER;
    const { status, bodyJson } = isTooMuch ? refused(noRoom(result.status)) : result;
    this.#characters += bodyJson.length;
    this.#texts[index] = `{"status":${status},"body":${bodyJson}}`;
  }

  toString(): string {
    return `{"results":[${this.#texts.join(",")}]}`;
  }
}

function noRoom(status: number): Refusal {
  return refusal(
    "too_large",
    `answered with ${status}, but a batch holds no more than 8 MiB: ask for it alone`,
  );
}

/** Limits count targets: one operation may be a message to a thousand users. */
function mustBeFew(plan: (Planned | Refusal)[]): void {
  const targets = plan.reduce((sum, operation) => sum + (isRefused(operation) ? 0 : operation.targets), 0);
  if (targets <= MAX_BATCHED_TARGETS) return;
  const message = `name at most ${MAX_BATCHED_TARGETS} users and channels together`;
  throw problem("bad_request", `operations: ${message}`, [{ path: "operations", message }]);
}

function keyIsForNobody() {
  const message = "is for one message: put a key into each body";
  return problem("bad_request", `Idempotency-Key: ${message}`, [{ path: "Idempotency-Key", message }]);
}
