import type { Device } from "../protocol/names.ts";

/** What the server answers to, and speaks. The token rides in a second subprotocol beside it. */
const SUBPROTOCOL = "presence.v1";

/** The last message seen of a channel: from there a connection recovers. */
export interface Position {
  epoch: string;
  offset: number;
}

export interface ConnectTarget {
  /** The service's address, `http(s)://` or `ws(s)://`; a path in it is kept as a prefix. */
  base: URL;
  channel?: string | undefined;
  device?: Partial<Device> | undefined;
  position?: Position | undefined;
  rewind?: number | undefined;
}

/** The address of the service as a URL that ends in `/`. Throws a TypeError that says what is wrong. */
export function serviceAddress(url: string | URL): URL {
  const base = new URL(url);
  base.protocol = base.protocol.replace(/^ws/, "http");
  if (!/^https?:$/.test(base.protocol)) throw new TypeError("url must begin with http or ws");
  base.search = "";
  base.hash = "";
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return base;
}

/** Where to connect, without the token: addresses end up in logs. Over `http(s)`; see `webSocketAddress`. */
export function connectAddress({ base, channel, device, position, rewind }: ConnectTarget): URL {
  const path = channel === undefined ? "v1/connect" : `v1/channels/${encodeURIComponent(channel)}/connect`;
  const address = new URL(path, base);
  const query = {
    device_id: device?.id,
    device_type: device?.type,
    device_name: device?.name,
    ...(channel !== undefined && { ...position, rewind }),
  };
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) address.searchParams.set(name, String(value));
  }
  return address;
}

export function webSocketAddress(address: URL): string {
  return address.href.replace(/^http/, "ws");
}

/** Browsers let no header be set on a WebSocket; a subprotocol is the one place for a token. */
export function subprotocols(token: string): string[] {
  return [SUBPROTOCOL, `bearer.${token}`];
}

/** Whether this can be a signed JWT at all: anything else would make the socket's constructor throw. */
export function looksLikeToken(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
}
