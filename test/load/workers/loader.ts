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
  /** Times that a client was sent away and came back. */
  returned: number;
  /** The fewest and the most messages that one socket heard. */
  least: number;
  most: number;
  disorder: number;
  lastAt: number;
}

interface Client {
  heard: number;
  /** Where it stands: what it is welcomed with when it comes back goes on from there. */
  last: number | undefined;
  epoch: string | undefined;
  isOpen: boolean;
}

const MOST_PAUSE_MS = 1000;

/** The contract's rule: up to 4499, and below 4000 all but what the client must mend itself. */
const mayReconnect = (code: number) => code < 4500 && ![1000, 1003, 1007, 1008, 1009].includes(code);

/**
 * Clients inside the runtime: a machine has descriptors for nine thousand connections, and these take none. Each object
 * holds some thousand of them, reads every frame, and follows the offsets of each.
 */
export class Loader extends DurableObject<LoaderEnv> {
  readonly #clients: Client[] = [];
  readonly #failed: string[] = [];
  #disorder = 0;
  #returned = 0;
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
    const client: Client = { heard: 0, last: undefined, epoch: undefined, isOpen: false };
    if (await this.#enter(client, channel, token)) this.#clients.push(client);
  }

  /** Connects, from where this client stands if it was there before. False where it was refused. */
  async #enter(client: Client, channel: string, token: string): Promise<boolean> {
    const { epoch, last } = client;
    const from = epoch === undefined ? "" : `?epoch=${epoch}&offset=${last}`;
    const url = `http://rollcall/v1/channels/${channel}/connect${from}`;
    const headers = { Upgrade: "websocket", Authorization: `Bearer ${token}` };
    const response = await this.env.TARGET.fetch(url, { headers });
    const { webSocket } = response;
    if (webSocket === null) {
      this.#failed.push(`${response.status} ${(await response.text()).slice(0, 200)}`);
      return false;
    }
    const welcomed = Promise.withResolvers<boolean>();
    webSocket.addEventListener("message", ({ data }) => {
      this.#hear(client, data as string);
      welcomed.resolve(true); // the first frame is the welcome
    });
    webSocket.addEventListener("close", ({ code }) => {
      client.isOpen = false;
      welcomed.resolve(true);
      if (mayReconnect(code)) this.ctx.waitUntil(this.#return(client, channel, token));
    });
    webSocket.accept();
    client.isOpen = true;
    return welcomed.promise;
  }

  /** As any client does whom the service sends away for a while. */
  async #return(client: Client, channel: string, token: string): Promise<void> {
    this.#returned += 1;
    await new Promise((resolve) => setTimeout(resolve, MOST_PAUSE_MS * Math.random()));
    await this.#enter(client, channel, token);
  }

  #hear(client: Client, text: string): void {
    if (text.startsWith('{"type":"welcome"')) this.#welcomed(client, text);
    else if (text.includes('"type":"message"')) {
      for (const [, offset] of text.matchAll(/"offset":(\d+)/g)) this.#heard(client, Number(offset));
    }
  }

  #welcomed(client: Client, text: string): void {
    if (client.epoch === undefined) {
      client.epoch = /"epoch":"([^"]+)"/.exec(text)?.[1];
      client.last = Number(/"offset":(\d+)/.exec(text)?.[1]);
      return;
    }
    const { recovered, messages } = JSON.parse(text) as {
      recovered: boolean;
      messages: { offset: number }[];
    };
    if (!recovered) this.#disorder += 1;
    for (const { offset } of messages) this.#heard(client, offset);
  }

  #heard(client: Client, offset: number): void {
    client.heard += 1;
    if (offset !== (client.last ?? 0) + 1) this.#disorder += 1;
    client.last = offset;
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
    const failed = this.#failed.slice(0, 5);
    const returned = this.#returned;
    return {
      open,
      closed,
      failed,
      returned,
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
