import { maySpeakAsSession, type Route, type Who } from "./route.ts";

/** Ways to say who asks, as section 2 of the contract has them. */
export const SECURITY_SCHEMES = {
  userToken: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "A user: a JWT, signed by your back end. Its claims say what the user may do.",
  },
  apiKey: {
    type: "http",
    scheme: "bearer",
    description: "A back end: one of `API_KEYS`. Its scopes are `publish`, `read`, `manage` and `ops`.",
  },
  ticket: {
    type: "apiKey",
    in: "query",
    name: "ticket",
    description: "A user who can set no header: a ticket of `POST /v1/tickets`, good once.",
  },
  subprotocol: {
    type: "apiKey",
    in: "header",
    name: "Sec-WebSocket-Protocol",
    description: "A user on a WebSocket: two subprotocols, `presence.v1, bearer.<jwt>`.",
  },
  queryToken: {
    type: "apiKey",
    in: "query",
    name: "token",
    description: "A user: the JWT, only where `ALLOW_QUERY_TOKEN` is `true`. Addresses end up in logs.",
  },
} as const;

/** One of these is enough. A key needs one of the scopes, which OpenAPI 3.1 lists as roles. */
export function securityOf(route: Route): Record<string, string[]>[] {
  const { user, key = [], isOpen } = route.who;
  const asUser = ["userToken", "ticket", "queryToken", ...(maySpeakAsSession(route) ? [] : ["subprotocol"])];
  return [
    ...(isOpen ? [{}] : []),
    ...(user === undefined ? [] : asUser.map((scheme) => ({ [scheme]: [] }))),
    ...key.map((scope) => ({ apiKey: [scope] })),
  ];
}

/** In words. */
export function whoMay({ user, key, isOpen }: Who): string {
  const users = user === undefined ? [] : [`a user ${user}`];
  const scopes = key?.map((scope) => `\`${scope}\``).join(" or ");
  const keys = scopes === undefined ? [] : [`a back end with the scope ${scopes}`];
  const all = [...(isOpen ? ["anyone"] : []), ...users, ...keys];
  return `Who may: ${all.length === 0 ? "anyone" : all.join("; ")}.`;
}
