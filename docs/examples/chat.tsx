import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { RollcallProvider, useChannel, useConnection, useMessages, useTyping } from "rollcall/react";

const query = new URLSearchParams(location.search);
const [user, url] = [query.get("user") ?? "ann", query.get("url") ?? "http://127.0.0.1:8787"];
/** In production your own back end signs the token, for whoever is logged in. */
async function token() {
  const answer = await fetch(`${url}/v1/dev/token`, { method: "POST", body: JSON.stringify({ user }) });
  return (await answer.json()).token;
}

const reveal = (bubble: HTMLElement | null) => bubble?.scrollIntoView();

function Chat() {
  const { client } = useConnection();
  const { publish } = useChannel("chat");
  const messages = useMessages("chat");
  const typing = useTyping("chat");
  const [readUpTo, setReadUpTo] = useState<Record<string, number>>({});
  const newest = messages.findLast(({ from }) => from !== undefined && from.user !== user);

  useEffect(() => {
    const receipt = { event: "message.read", key: `read:chat:${newest?.offset}` };
    // It waits for the author, who may be away; under its key it is sent once.
    if (newest?.from) client?.send(newest.from.user, newest.offset, receipt).catch(console.error);
  }, [client, newest]);
  useEffect(() => {
    return client?.on("direct", ({ event, from, data }) => {
      if (event === "message.read" && from) setReadUpTo((known) => ({ ...known, [from.user]: Number(data) }));
    });
  }, [client]);

  function send(form: FormData) {
    typing.stopped();
    publish(form.get("text")).catch(console.error);
  }
  const readers = (offset: number) => Object.keys(readUpTo).filter((name) => offset <= (readUpTo[name] ?? 0));
  const bubbles = messages.map(({ id, offset, from, data }) => (
    <li key={id} ref={reveal} className={from?.user === user ? "mine" : ""}>
      <b>{from?.user}</b> <p>{String(data)}</p>
      {from?.user === user && <small>{readers(offset).length ? `read by ${readers(offset)}` : "sent"}</small>}
    </li>
  ));
  return (
    <form action={send}>
      <ol>{bubbles}</ol>
      <p className="typing">{typing.users.length > 0 && `${typing.users.join(", ")} typing…`}</p>
      <input name="text" aria-label="Message" autoComplete="off" required onInput={typing.started} />
      <button type="submit">Send</button>
    </form>
  );
}

createRoot(document.querySelector("main") as HTMLElement).render(
  <RollcallProvider url={url} token={token}>
    <Chat />
  </RollcallProvider>,
);
