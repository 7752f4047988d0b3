/** One HTTP request; `path` lies below `v1/`. */
export interface StreamRequest {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  body?: object;
}

/** A frame that the client says; its other fields are those of its `type`. */
export interface SaidFrame {
  type: string;
  ref?: number;
  [field: string]: unknown;
}

/** What a client frame is over HTTP, or why it is nothing there. */
export type Translated =
  | { requests: StreamRequest[]; answer(bodies: object[]): object }
  | { code: "bad_request" | "not_available"; message: string };

/** As `user`, on a connection to `channel` or on the user's own. The service's own answer goes back as it is. */
export function translate(frame: SaidFrame, me: { user: string; channel: string | undefined }): Translated {
  const { type, ref: _ref, ...rest } = frame;
  const { channel = me.channel, ...inChannel } = rest;
  const { user, ...toUser } = rest;
  const own = `users/${encodeURIComponent(me.user)}`;
  switch (type) {
    case "publish":
      return to(channel, "POST", "messages", inChannel);
    case "signal":
      return user === undefined
        ? to(channel, "POST", "signals", inChannel)
        : missing("no signals to a user over an event stream");
    case "history":
      return to(channel, "GET", "messages", inChannel);
    case "members":
      return to(channel, "GET", "members", inChannel);
    case "send":
      return one("POST", `users/${encodeURIComponent(String(user))}/messages`, toUser);
    case "ack":
      return one("POST", `${own}/inbox/ack`, rest);
    case "presence":
      return one("PUT", `${own}/presence`, rest);
    case "watch":
      return rest.only === undefined
        ? {
            requests: watching(own, rest.users, "PUT"),
            answer: (bodies) => ({ presence: bodies.flatMap(presenceIn) }),
          }
        : missing("no `only` over an event stream");
    case "unwatch":
      return { requests: watching(own, rest.users, "DELETE"), answer: () => ({}) };
    default:
      return missing(`no ${type} over an event stream`);
  }
}

function to(channel: unknown, method: "GET" | "POST", what: string, rest: object): Translated {
  if (typeof channel !== "string") return { code: "bad_request", message: "channel: needed here" };
  const path = `channels/${encodeURIComponent(channel)}/${what}`;
  if (method === "POST") return one(method, path, rest);
  const query = Object.entries(rest).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return one(method, `${path}?${query.join("&")}`);
}

function one(method: StreamRequest["method"], path: string, body?: object): Translated {
  return {
    requests: [{ method, path, ...(body && { body }) }],
    answer: ([answered = {}]) => answered,
  };
}

function watching(own: string, users: unknown, method: "PUT" | "DELETE"): StreamRequest[] {
  const targets: unknown[] = Array.isArray(users) ? users : [];
  return targets.map((target) => ({
    method,
    path: `${own}/watching/${encodeURIComponent(String(target))}`,
  }));
}

function presenceIn(body: object): unknown[] {
  return "presence" in body ? [body.presence] : [];
}

function missing(message: string): Translated {
  return { code: "not_available", message };
}
