import { refusalOf } from "../protocol/codec.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import { Operation } from "../protocol/many.ts";

/** An operation of a batch that may be asked. */
export interface Planned {
  method: Operation["method"];
  /** With its query, from the root on. */
  path: string;
  /** JSON text. */
  body?: string;
  /** The one user or channel that it is about; null where the path names none, or several things. */
  object: string | null;
  /** How many users and channels it may reach. */
  targets: number;
}

/** Only paths count; no request leaves for it. */
const BASE = "https://rollcall.invalid";
const CONNECT = /^\/v1\/(channels\/[^/]+\/)?connect\/?$/;

/** An operation as it stands in a batch, ready to be asked; or why it can't be. `index` is its place. */
export function planned(value: unknown, index: number): Planned | Refusal {
  const parsed = Operation.safeParse(value);
  if (!parsed.success) return inPlace(refusalOf(parsed.error), index);
  const { method, path, body } = parsed.data;
  const wrong = (field: string, message: string) => {
    const at = `operations[${index}].${field}`;
    return refusal("bad_request", `${at}: ${message}`, [{ path: at, message }]);
  };
  const url = ownUrl(path);
  if (url === undefined) return wrong("path", "must be a path of this service that begins with /v1/");
  const name = decoded(url.pathname);
  if (CONNECT.test(name)) return wrong("path", "a batch opens no connections");
  if (method === "GET" && body !== undefined && body !== null) return wrong("body", "a GET has none");
  const text = body === undefined || method === "GET" ? {} : { body: JSON.stringify(body) };
  return {
    method,
    path: url.pathname + url.search,
    ...text,
    object: objectOf(name),
    targets: targetsOf(url, name, body),
  };
}

/** Whether this one may not be asked. */
export function isRefused(operation: Planned | Refusal): operation is Refusal {
  return isRefusal(operation);
}

/** Below `/v1/` of this very service, without what is for development only. `//host` and `/\host` name another. */
function ownUrl(path: string): URL | undefined {
  const url = path.startsWith("/") ? URL.parse(path, BASE) : null;
  if (url === null || url.origin !== BASE) return undefined;
  const name = decoded(url.pathname);
  const isOwn = name === "/healthz" || (name.startsWith("/v1/") && !name.startsWith("/v1/dev/"));
  return isOwn ? url : undefined;
}

/** As the router reads it. */
function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname; // no route fits it, or no name in it is one
  }
}

function objectOf(name: string): string | null {
  return /^\/v1\/((channels|users)\/[^/]+)/.exec(name)?.[1] ?? null;
}

function targetsOf(url: URL, name: string, body: unknown): number {
  if (name === "/v1/presence") return url.searchParams.get("users")?.split(",").length ?? 1;
  if (name !== "/v1/messages" || typeof body !== "object" || body === null) return 1;
  const lengthOf = (list: unknown) => (Array.isArray(list) ? list.length : 0);
  return ("users" in body ? lengthOf(body.users) : 0) + ("channels" in body ? lengthOf(body.channels) : 0);
}

function inPlace({ code, message, errors = [] }: Refusal, index: number): Refusal {
  const place = `operations[${index}]`;
  const named = errors.map((error) => ({ ...error, path: error.path ? `${place}.${error.path}` : place }));
  return refusal(code, `${place}: ${message}`, named);
}
