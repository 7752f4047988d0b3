import { afterEach, expect, test, vi } from "vitest";
import type * as z from "zod";
import { REQUESTS } from "../../src/reference/names.ts";
import { openApiDocument } from "../../src/reference/openapi.ts";
import { QUERIES } from "../../src/reference/parameters.ts";
import type { Route } from "../../src/reference/route.ts";
import { ROUTES } from "../../src/reference/routes.ts";
import { tokenFor } from "./client.ts";
import { app, askRoutes, keyOf, SCOPES } from "./objectless-app.ts";

afterEach(() => vi.restoreAllMocks());

const isConnect = ({ path }: Route) => path.endsWith("/connect");

/** An address of this route, for ann. */
function addressOf({ path }: Route): string {
  const names: Record<string, string> = {
    channel: "lobby",
    user: "ann",
    target: "ben",
    session: "s1",
    id: "e1",
  };
  return path.replaceAll(/:(\w+)/g, (_, name: string) => names[name] ?? "");
}

function requestOf(route: Route, credential?: string, example = 0): [string, RequestInit] {
  // The operations of a batch are checked each by itself, with schemas of their own.
  const alone = { operations: [{ method: "GET", path: "/healthz" }] };
  const body = route.id === "batch" ? alone : Object.values(route.body?.examples ?? {}).at(example);
  const headers: Record<string, string> =
    credential === undefined ? {} : { Authorization: `Bearer ${credential}` };
  const init = { method: route.method, headers };
  return [addressOf(route), body === undefined ? init : { ...init, body: JSON.stringify(body) }];
}

/** Whether somebody was let in, whatever came of it then: behind the routes of this test nobody is at home. */
async function isLetIn(route: Route, credential?: string): Promise<boolean> {
  vi.spyOn(console, "log").mockImplementation(() => undefined);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const [address, init] = requestOf(route, credential);
  // Without `users` it lists everybody, which is for back ends.
  const { status } = await askRoutes(route.id === "listPresence" ? `${address}?users=ann` : address, init);
  return status !== 401 && status !== 403;
}

test.for(ROUTES.map((route) => [route.id, route] as const))(
  "[OA10] who may ask is who the document says: %s",
  async ([, route]) => {
    const { user, key = [], isOpen } = route.who;
    const anyone = user === undefined && key.length === 0;
    expect(await isLetIn(route), "nobody").toBe(anyone || isOpen === true);
    for (const scope of key) expect(await isLetIn(route, keyOf(scope)), scope).toBe(true);
    if (isOpen === true) return; // who presents what is not needed there may be let in or not
    expect(await isLetIn(route, await tokenFor("ann")), "a user").toBe(anyone || user !== undefined);
    for (const scope of SCOPES.filter((other) => !key.includes(other))) {
      expect(await isLetIn(route, keyOf(scope)), scope).toBe(anyone);
    }
  },
);

const names = new Map(
  [...Object.entries(REQUESTS), ...Object.entries(QUERIES)].map(([name, schema]) => [schema, name]),
);

/** Every schema that the document has for bodies and queries. */
const schemas = new Set(ROUTES.flatMap(({ query = [], body }) => [...query, ...(body?.schemas ?? [])]));

/** By identity: two schemas that say the same are two. */
function namesOf(some: Set<z.ZodType>): string[] {
  return [...some].map((schema) => names.get(schema) ?? "another").sort();
}

/** Those that one request was checked with. */
async function usedBy(address: string, init: RequestInit): Promise<Set<z.ZodType>> {
  const used = new Set<z.ZodType>();
  for (const schema of schemas) {
    const original = schema.safeParse.bind(schema);
    vi.spyOn(schema, "safeParse").mockImplementation((...args: Parameters<typeof original>) => {
      used.add(schema);
      return original(...args);
    });
  }
  vi.spyOn(console, "log").mockImplementation(() => undefined);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  await askRoutes(address, init);
  vi.restoreAllMocks();
  return used;
}

test.for(ROUTES.filter((route) => !isConnect(route)).map((route) => [route.id, route] as const))(
  "[OA11] what comes in is checked by the schemas of the document, and by no other of them: %s",
  async ([, route]) => {
    const wanted = new Set<z.ZodType>([...(route.query ?? []), ...(route.body?.schemas ?? [])]);
    const found = new Set<z.ZodType>();
    const scope = route.who.key?.[0];
    const credentials = [
      ...(scope === undefined ? [] : [keyOf(scope)]),
      ...(route.who.user === undefined ? [] : [await tokenFor("ann")]),
    ];
    for (const credential of credentials) {
      const [address, init] = requestOf(route, credential, -1);
      for (const schema of await usedBy(address, init)) found.add(schema);
      if (route.id !== "listPresence") continue; // one of its two queries is told from the other by this
      for (const schema of await usedBy(`${address}?users=ann`, init)) found.add(schema);
    }
    expect(namesOf(found)).toEqual(namesOf(wanted));
  },
);

/** Answers only where CONSOLE is on, so no deployment has it. */
const DEVELOPMENT = ["POST /v1/dev/token"];

test("[OA1] the document has every route of the service and no other", () => {
  const ROUTES = app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`)
    .filter((route) => !DEVELOPMENT.includes(route));
  const described = Object.entries(openApiDocument().paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`),
  );
  expect(ROUTES.length).toBeGreaterThan(30);
  expect([...new Set(ROUTES)].sort()).toEqual(described.sort());
});
