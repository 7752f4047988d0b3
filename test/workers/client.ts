import { env, exports } from "cloudflare:workers";
import { SignJWT } from "jose";

const ORIGIN = "https://rollcall.test";

export interface HeardFrame {
  type: string;
  [field: string]: unknown;
}

export function request(path: string, init: RequestInit = {}): Promise<Response> {
  return exports.default.fetch(new Request(ORIGIN + path, init));
}

export const KEY = { Authorization: "Bearer rollcall-local-development-key" };

export async function read(path: string): Promise<Record<string, unknown>> {
  return (await (await request(path, { headers: KEY })).json()) as Record<string, unknown>;
}

export function tokenFor(user: string, claims: Record<string, unknown> = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const secret = new TextEncoder().encode((env as unknown as { JWT_SECRET: string }).JWT_SECRET);
  return new SignJWT({ sub: user, iat: now, exp: now + 3600, ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(secret);
}

export interface ConnectOptions {
  channel?: string;
  device?: string;
  claims?: object;
  query?: Record<string, string>;
}

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** Publishes as a back end. */
export async function publish(
  channel: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const init = { method: "POST", headers: { ...KEY, ...headers }, body: JSON.stringify(body) };
  const response = await request(`/v1/channels/${channel}/messages`, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A client whose socket ends in the Worker under test itself. */
export class WorkerClient {
  readonly socket: WebSocket;
  readonly frames: HeardFrame[] = [];
  pongs = 0;
  closeCode: number | undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (data === "pong") this.pongs += 1;
      else this.frames.push(...[JSON.parse(String(data)) as HeardFrame | HeardFrame[]].flat());
    });
    socket.addEventListener("close", ({ code }) => {
      this.closeCode = code;
    });
    socket.accept();
  }

  static async connect(user: string, options: ConnectOptions = {}) {
    const { channel, device = "web", claims = {} } = options;
    const path = channel === undefined ? "/v1/connect" : `/v1/channels/${channel}/connect`;
    const token = await tokenFor(user, { ...claims });
    const headers = { Authorization: `Bearer ${token}`, Upgrade: "websocket" };
    const query = new URLSearchParams({ device_type: device, ...options.query });
    const response = await request(`${path}?${query}`, { headers });
    if (response.webSocket === null) throw new Error(`${response.status} ${await response.text()}`);
    const client = new WorkerClient(response.webSocket);
    await until(() => client.frames.length > 0);
    return client;
  }

  get session(): string {
    return String(this.frames[0]?.session);
  }

  ofType(type: string): HeardFrame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  send(frame: object | string): void {
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }
}

/** Waits for something to become true, without guessing how long it takes. */
export async function until(isTrue: () => boolean | Promise<boolean>, patienceMs = 5000): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
