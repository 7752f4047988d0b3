import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useInsertionEffect,
  useState,
} from "react";
import { type Connection, type ConnectOptions, connect, type RollcallError } from "../client/index.ts";
import { Hub } from "./hub.ts";

/** How to connect: as `connect` of `rollcall/client` takes it, for the user's own connection. */
export type ProviderOptions = Omit<ConnectOptions, "channel" | "rewind">;

export type RollcallProviderProps = {
  children?: ReactNode;
  /** What no promise and no state tells: somebody who may not be watched, a log that may not be read. Else the console. */
  onError?: (error: RollcallError) => void;
} & (
  | {
      /** A connection that the application has made, of the user's own kind, and closes itself. */
      client: Connection;
    }
  | (ProviderOptions & { client?: never })
);

const HubContext = createContext<Hub | undefined>(undefined);

/**
 * What the hooks below it share: one connection, which is opened when this is mounted, and closed a moment after it is
 * unmounted. On a server nothing connects. Another `url`, `device` or token that is a string is another connection; a
 * token function may be another one at each render, and the last is asked. Where another person logs in, give it
 * another `key`. Throws a TypeError where `client` is the connection of one channel.
 */
export function RollcallProvider(props: RollcallProviderProps): ReactElement {
  const identity = identityOf(props);
  const [made, setMade] = useState(() => makeHub(identity, props));
  let { hub, latest } = made;
  if (made.identity !== identity) {
    const fresh = makeHub(identity, props);
    ({ hub, latest } = fresh);
    setMade(fresh);
  }
  // Before the first effect of any child, which may be what connects.
  useInsertionEffect(() => {
    latest.props = props;
  });
  useEffect(() => hub.hold().release, [hub]);
  return createElement(HubContext.Provider, { value: hub }, props.children);
}

/** What the hooks share. Throws an Error where there is no provider above. */
export function useHub(): Hub {
  const hub = useContext(HubContext);
  if (hub === undefined) throw new Error("no <RollcallProvider> above this component");
  return hub;
}

interface Made {
  identity: unknown;
  hub: Hub;
  latest: { props: RollcallProviderProps };
}

function makeHub(identity: unknown, props: RollcallProviderProps): Made {
  const latest = { props };
  const hub = new Hub({
    connect: () => connectionOf(latest),
    isOwner: props.client === undefined,
    failed: (error) => (latest.props.onError ?? console.error)(error),
  });
  return { identity, hub, latest };
}

function connectionOf(latest: Made["latest"]): Connection {
  const { props } = latest;
  if (props.client !== undefined) return props.client;
  const { children: _children, onError: _onError, client: _client, token, ...options } = props;
  if (typeof token === "string") return connect({ ...options, token });
  const ask = () => {
    const given = latest.props.client === undefined ? latest.props.token : token;
    return typeof given === "function" ? given() : token();
  };
  return connect({ ...options, token: ask });
}

/** Equal as long as the connection may stay. */
function identityOf(props: RollcallProviderProps): unknown {
  if (props.client !== undefined) {
    if (props.client.channelName === undefined) return props.client;
    throw new TypeError("RollcallProvider needs the user's own connection: connect without `channel`");
  }
  const { url, token, device } = props;
  return JSON.stringify([url, device, typeof token === "string" ? token : null]);
}
