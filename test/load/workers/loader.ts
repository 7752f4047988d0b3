import { DurableObject } from "cloudflare:workers";

interface LoaderEnv {
  LOADER: DurableObjectNamespace<Loader>;
  TARGET: Fetcher;
}

/** So many users, each with so many sessions, in one channel. */
export interface Load {
  channel: string;
  firstUser: number;
  users: number;
  sessionsEach: number;
  secret: string;
  atOnce: number;
}

/** What the sockets of one loader heard since they were reset. */
export interface Loaded {
  open: number;
  closed: number;
  failed: string[];
  /** The fewest and the most messages that one socket heard. */
  least: number;
  most: number;
  disorder: number;
  lastAt: number;
}

interface Client {
  heard: number;
  last: number;
  isOpen: boolean;
}

/**
 * Clients inside the runtime: a machine has descriptors for nine thousand connections, and these take none. Each object
 * holds some thousand of them, reads every frame, and follows the offsets of each.
 */
export class Loader extends DurableObject<LoaderEnv> {
  readonly #clients: Client[] = [];
  readonly #failed: string[] = [];
  #disorder = 0;
  #lastAt = 0;

  override async fetch(request: Request): Promise<Response> {
    switch (new URL(request.url).pathname.split("/").at(-1)) {
      case "open":
        await this.#open((await request.json()) as Load);
        return Response.json(this.#loaded());
      case "reset":
        return Response.json(this.#reset());
      case "hold": // an object with a request under way is not put to sleep, and its sockets are not dropped
        return new Response(new IdentityTransformStream().readable);
      default:
        return Response.json(this.#loaded());
    }
  }

  async #open({ channel, firstUser, users, sessionsEach, secret, atOnce }: Load): Promise<void> {
    const key = await signingKey(secret);
    const waiting = Array.from({ length: users }, (_, i) => `u${firstUser + i}`).values();
    const lane = async () => {
      for (const user of waiting) {
        const token = await signed(user, key);
        for (let i = 0; i < sessionsEach; i++) await this.#connect(channel, token);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
  }

  async #connect(channel: string, token: string): Promise<void> {
    const headers = { Upgrade: "websocket", Authorization: `Bearer ${token}` };
    const response = await this.env.TARGET.fetch(`http://rollcall/v1/channels/${channel}/connect`, {
      headers,
    });
    const { webSocket } = response;
    if (webSocket === null) {
      if (this.#failed.length < 5)
        this.#failed.push(`${response.status} ${(await response.text()).slice(0, 200)}`);
      return;
    }
    const client: Client = { heard: 0, last: -1, isOpen: true };
    const { promise, resolve } = Promise.withResolvers<void>();
    webSocket.addEventListener("message", ({ data }) => {
      this.#hear(client, data as string);
      resolve(); // the first frame is the welcome
    });
    webSocket.addEventListener("close", () => {
      client.isOpen = false;
      resolve();
    });
    webSocket.accept();
    this.#clients.push(client);
    await promise;
  }

  #hear(client: Client, text: string): void {
    if (!text.includes('"type":"message"')) return;
    for (const [, offset] of text.matchAll(/"offset":(\d+)/g)) {
      client.heard += 1;
      if (client.last !== -1 && Number(offset) !== client.last + 1) this.#disorder += 1;
      client.last = Number(offset);
    }
    this.#lastAt = Date.now();
  }

  #reset(): Loaded {
    for (const client of this.#clients) client.heard = 0;
    this.#disorder = 0;
    return this.#loaded();
  }

  #loaded(): Loaded {
    let [least, most, open] = [Infinity, 0, 0];
    for (const { heard, isOpen } of this.#clients) {
      least = Math.min(least, heard);
      most = Math.max(most, heard);
      if (isOpen) open += 1;
    }
    const closed = this.#clients.length - open;
    const failed = this.#failed;
    return {
      open,
      closed,
      failed,
      least: open === 0 ? 0 : least,
      most,
      disorder: this.#disorder,
      lastAt: this.#lastAt,
    };
  }
}

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

function signingKey(secret: string): Promise<CryptoKey> {
  const raw = new TextEncoder().encode(secret);
  return crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

/** A token as a back end would sign it, an hour long. */
async function signed(sub: string, key: CryptoKey): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value: object) => base64url(new TextEncoder().encode(JSON.stringify(value)));
  const text = `${encode({ alg: "HS256" })}.${encode({ sub, iat: now, exp: now + 3600 })}`;
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
  return `${text}.${base64url(new Uint8Array(signature))}`;
}

export default {
  fetch(request: Request, env: LoaderEnv): Response | Promise<Response> {
    const [, name = ""] = new URL(request.url).pathname.split("/");
    return name === "healthz" ? new Response("ok") : env.LOADER.getByName(name).fetch(request);
  },
};
