import { RollcallError } from "../client/index.ts";

/** The service refused a request, or could not be reached. `code` is for programs, `message` for people. */
export class RequestProblem extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "RequestProblem";
    this.code = code;
  }
}

/** Asks the service. Rejects with a `RequestProblem` where the answer is none, or no success. */
export async function request(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, init).catch(() => {
    throw new RequestProblem("unreachable", "the service cannot be reached");
  });
  if (response.ok) return response;
  throw problemOf(response.status, await response.json().catch(() => undefined)); // no JSON: the status says it
}

/** What went wrong, as the end of a sentence. */
export function reasonOf(error: unknown): string {
  if (error instanceof RequestProblem || error instanceof RollcallError)
    return `${error.message} (${error.code}).`;
  return error instanceof Error ? error.message : String(error);
}

function problemOf(status: number, body: unknown): RequestProblem {
  const fallback = `the service answered ${status}`;
  if (typeof body !== "object" || body === null) return new RequestProblem(String(status), fallback);
  const code = "code" in body ? String(body.code) : String(status);
  return new RequestProblem(code, "detail" in body ? String(body.detail) : fallback);
}
