import type { BatchAnswer } from "../protocol/answers.ts";
import { withQuery } from "./address.ts";
import { type ApiRequest, type Asking, isAnswer, problemIn } from "./asking.ts";

interface Gathered {
  request: ApiRequest;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/** Gathers requests in place of making them; `send` makes one of them all. */
export class Gathering implements Asking {
  readonly #gathered: Gathered[] = [];
  #isSent = false;

  /** Rejects with a TypeError once the batch is on its way. */
  ask<Answer>(request: ApiRequest): Promise<Answer> {
    if (this.#isSent)
      return Promise.reject(
        new TypeError("the batch is on its way: ask for all of it before awaiting any of it"),
      );
    return new Promise<Answer>((resolve, reject) => {
      // The caller names the answer's shape, as with a request by itself.
      this.#gathered.push({ request, resolve: (answer) => resolve(answer as Answer), reject });
    });
  }

  /** Settles everything gathered. Never rejects. */
  async send(asking: Asking): Promise<void> {
    this.#isSent = true;
    const gathered = this.#gathered.splice(0);
    if (gathered.length === 0) return;
    try {
      const { results } = await asking.ask<BatchAnswer>({
        method: "POST",
        path: "/v1/batch",
        body: { operations: gathered.map(({ request }) => operationOf(request)) },
        // Messages carry a key, so that most batches may be made again as a whole.
        isRepeatable: gathered.every(({ request }) => request.isRepeatable),
      });
      for (const [index, one] of gathered.entries()) settle(one, results[index]);
    } catch (error) {
      for (const { reject } of gathered) reject(error);
    }
  }
}

function operationOf({ method, path, query, body }: ApiRequest): object {
  return { method, path: withQuery(path, query), ...(body && { body }) };
}

function settle({ request, resolve, reject }: Gathered, result: BatchAnswer["results"][number] | undefined) {
  const { status, body } = result ?? { status: 502, body: undefined }; // a service that answers fewer is none of ours
  if (isAnswer(status, body, request.accepts)) resolve(body ?? undefined);
  else reject(problemIn(status, body));
}
