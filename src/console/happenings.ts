import type { Connection, ConnectionState, Message } from "../client/index.ts";
import type { Happening } from "./feed.ts";
import { reasonOf } from "./problem.ts";

/** Longer ones are cut off: the whole is in the channel. */
const MAX_QUOTED = 80;

/** Tells in words what a connection of `user` hears and goes through. */
export function tellHappenings(
  connection: Connection,
  user: string,
  tell: (happening: Happening) => void,
): void {
  const channel = connection.channel;
  const place = channel ?? "no channel";
  const own = (kind: Happening["kind"], words: string) => tell({ kind, who: user, words, by: user });
  let isFirst = true;
  let wasOpen = false;
  connection.on("status", (state) => {
    // That it could not come back yet is no news.
    const words = state.name === "waiting" && !wasOpen ? undefined : stateWords(state);
    wasOpen = state.name === "open" || (wasOpen && state.name === "connecting");
    if (words !== undefined) own("connection", words);
  });
  connection.on("welcome", ({ recovered, messages = [] }) => {
    const missed = messages.filter((message) => !("skipped" in message)).length;
    const again =
      recovered === false ? "; what was missed is lost" : missed > 0 ? `; ${missed} recovered` : "";
    own("connection", isFirst ? `connected to ${place}` : `connected again${again}`);
  });
  connection.on("members", ({ joined, left, changed }) => {
    const roster = (who: string, what: string, key: string) =>
      tell({ kind: "people", who, words: `${what} ${place}`, by: user, key: `${key}:${channel}:${who}` });
    // Who was here before us did not just arrive.
    if (!isFirst) for (const member of joined) roster(member.user, "joined", "joined");
    isFirst = false;
    for (const member of left) roster(member.user, "left", "left");
    for (const { user: who, status } of changed) {
      if (status !== undefined) tell({ ...statusOf(who, status), by: user });
    }
  });
  connection.on("message", (message) => {
    const who = message.from?.user ?? "back end";
    tell({ kind: "message", who, words: quoted(message), by: user, key: `message:${message.id}` });
  });
  connection.on("direct", ({ id, from, data }) => {
    const who = from?.user ?? "back end";
    tell({ kind: "message", who, words: `to ${user}: ${short(data)}`, by: user, key: `direct:${id}` });
  });
  connection.on("broadcast", ({ id, event, data }) => {
    const words = `to everybody: ${event} ${short(data)}`;
    tell({ kind: "message", who: "back end", words, by: user, key: `broadcast:${id}` });
  });
  connection.on("signal", ({ event, from }) => {
    if (event !== "typing" || from === undefined) return;
    tell({ kind: "typing", who: from.user, words: "is typing", by: user, key: `typing:${from.user}` });
  });
  connection.on("presence", ({ user: who, status }) => tell({ ...statusOf(who, status), by: user }));
  connection.on("error", (error) => own("error", reasonOf(error)));
}

function statusOf(who: string, status: string): Omit<Happening, "by"> {
  return { kind: "status", who, words: `is ${status}`, key: `status:${who}:${status}` };
}

/** What nobody has to be told is `undefined`: a welcome says that it is open. */
function stateWords(state: ConnectionState): string | undefined {
  switch (state.name) {
    case "connecting":
    case "open":
      return undefined;
    case "waiting":
      return `lost the connection (${[state.reason, state.code].filter((part) => part !== "").join(", ")})`;
    case "closed":
      return state.code === 1000 ? "disconnected" : `was closed: ${state.reason} (${state.code})`;
  }
}

function quoted({ event, data, offset }: Message): string {
  return `${event === "message" ? "says" : event}: ${short(data)} (offset ${offset})`;
}

function short(data: unknown): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}
