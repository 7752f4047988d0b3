import { type ReactNode, StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import {
  RollcallProvider,
  useChannel,
  useConnection,
  useMembers,
  useMessages,
  useMyPresence,
  usePresence,
  useTyping,
} from "../../../src/react/index.ts";

/* A page of all hooks: what a test tells it to show it shows, in strict mode, and counts how often. */

const query = new URLSearchParams(location.search);
const [user, url] = [query.get("user") ?? "", query.get("url") ?? ""];
const ROOM = query.get("room") ?? "room";

async function token(): Promise<string> {
  const answer = await fetch(`${url}/v1/dev/token`, { method: "POST", body: JSON.stringify({ user }) });
  return (await answer.json()).token;
}

/** So that a test can end connections as a network does. */
const sockets: WebSocket[] = [];
class CuttableSocket extends WebSocket {
  constructor(address: string, protocols: string[]) {
    super(address, protocols);
    sockets.push(this);
  }
}

/** Which states of the connection were shown, in order. */
const shownStates: string[] = [];
const renders: Record<string, number> = {};
const count = (name: string) => {
  renders[name] = (renders[name] ?? 0) + 1;
};

function Part({ name, children }: { name: string; children: ReactNode }) {
  return <section aria-label={name}>{children}</section>;
}

function Connection() {
  count("connection");
  const { state, user: known } = useConnection();
  useEffect(() => {
    shownStates.push(state.name);
  }, [state.name]);
  return <Part name="connection">{`${state.name} ${known ?? "nobody"}`}</Part>;
}

function Members() {
  count("members");
  const { members, count: size } = useMembers(ROOM);
  return <Part name="members">{`${size}: ${members.map((member) => member.user).sort()}`}</Part>;
}

function Messages() {
  count("messages");
  return <Part name="messages">{`[${useMessages(ROOM, { last: 5 }).map(({ data }) => data)}]`}</Part>;
}

function Composer() {
  count("composer");
  const [heard, setHeard] = useState<string[]>([]);
  const name = () => state.name; // of the render that this function was given with
  const { state, publish } = useChannel(ROOM, {
    onMessage: ({ data }) => setHeard((before) => [...before, String(data)]),
    onSignal: ({ event }) =>
      event === "wave" && setHeard((before) => [...before, `${event} while ${name()}`]),
  });
  const typing = useTyping(ROOM);
  return (
    <Part name="composer">
      <span>{`${state.name}; heard [${heard}]; typing [${typing.users}]`}</span>
      <input aria-label="say" onInput={typing.started} />
      <button type="button" onClick={() => publish(document.querySelector("input")?.value)}>
        publish
      </button>
    </Part>
  );
}

function Person({ name }: { name: string }) {
  const presence = usePresence(query.get(name) ?? name);
  return <Part name={name}>{`${presence?.status ?? "unknown"} ${presence?.text ?? ""}`}</Part>;
}

function Mine() {
  const [mine, set] = useMyPresence();
  return (
    <Part name="mine">
      <span>{`${mine?.status ?? "unknown"} ${mine?.text ?? ""}`}</span>
      <button type="button" onClick={() => set({ status: "busy", text: "Release day" })}>
        busy
      </button>
    </Part>
  );
}

const PARTS: Record<string, ReactNode> = {
  connection: <Connection key="connection" />,
  members: <Members key="members" />,
  messages: <Messages key="messages" />,
  composer: <Composer key="composer" />,
  mine: <Mine key="mine" />,
  ann: <Person key="ann" name="ann" />,
  ben: <Person key="ben" name="ben" />,
};

function Page() {
  const [shown, show] = useState(["connection"]);
  const [type, become] = useState<"web" | "tv">("web");
  Object.assign(window, {
    hooks: { show, become, renders, shownStates, cut: () => sockets.at(-1)?.close(), sockets },
  });
  // The function and the object are others at each render, as most pages write it.
  return (
    <RollcallProvider url={url} token={() => token()} device={{ type }} WebSocket={CuttableSocket}>
      {shown.map((name) => PARTS[name])}
    </RollcallProvider>
  );
}

createRoot(document.querySelector("main") as HTMLElement).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
