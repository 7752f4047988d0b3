/** The part of a WebSocket that the SDK uses: the browser's, Node's and `ws` all have it. */
export interface SocketLike {
  /** Bytes that were handed over and have not left yet, where it can tell. */
  readonly bufferedAmount?: number;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { code: number; reason: string }) => void): void;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** Some seconds of a slow link, and far less than what a phone would mind. */
const MOST_BUFFERED_BYTES = 65_536;

export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

export interface SocketHandlers {
  opened(): void;
  received(data: unknown): void;
  /** Once, and last. */
  closed(code: number, reason: string): void;
}

export interface OpenSocket {
  /** So much waits to leave that what is worth something only now had better not be sent. */
  readonly isCongested: boolean;
  send(text: string): void;
  /** Closes, and calls no handler ever again: the close event may come ten seconds late, or never. */
  drop(code: number, reason: string): void;
}

/** Opens a socket. Throws what the constructor throws (an address or subprotocol that cannot be). */
export function openSocket(
  WebSocket: SocketConstructor,
  address: { url: string; protocols: string[] },
  handlers: SocketHandlers,
): OpenSocket {
  const socket = new WebSocket(address.url, address.protocols);
  let live: SocketHandlers | undefined = handlers;
  socket.addEventListener("open", () => live?.opened());
  socket.addEventListener("message", ({ data }) => live?.received(data));
  // An error says nothing in a browser, and a close always follows; Node's `ws` needs a listener to
  // survive it.
  socket.addEventListener("error", () => undefined);
  socket.addEventListener("close", ({ code, reason }) => {
    const last = live;
    live = undefined;
    last?.closed(code, reason);
  });
  return {
    get isCongested() {
      return (socket.bufferedAmount ?? 0) > MOST_BUFFERED_BYTES;
    },
    send: (text) => socket.send(text),
    drop(code, reason) {
      live = undefined;
      socket.close(code, reason);
    },
  };
}
