import { createElement, type FunctionComponent, type ReactNode } from "react";
import { renderToString } from "react-dom/server";
import { expect, test } from "vitest";
import { connect } from "../../src/client/index.ts";
import {
  RollcallProvider,
  useChannel,
  useConnection,
  useMembers,
  useMessages,
  useMyPresence,
  usePresence,
  useTyping,
} from "../../src/react/index.ts";
import { settled } from "../fixtures/fake-timers.ts";

class NoSocket {
  constructor() {
    throw new Error("a server has connected");
  }
}
let asked = 0;
const token = () => {
  asked++; // the first thing that a connection does
  return Promise.reject(new Error("a server has asked for a token"));
};
const OPTIONS = { url: "https://presence.example.com", token, WebSocket: NoSocket as never };

const provided = (children: ReactNode, options = OPTIONS) =>
  createElement(RollcallProvider, { ...options, children });

test("[RE1] on a server nothing connects, and every hook shows what there is before anything is known", async () => {
  const shown: unknown[] = [];
  const Everything: FunctionComponent = () => {
    const { channel, ...presenceAndMore } = {
      connection: useConnection(),
      channel: useChannel("room"),
      members: useMembers("room"),
      messages: useMessages("room"),
      presence: usePresence("ben"),
      mine: useMyPresence()[0],
      typing: useTyping("room").users,
    };
    shown.push({ ...presenceAndMore, channel: [channel.name, channel.state, channel.signal("hello")] });
    return "rendered";
  };
  expect(renderToString(provided(createElement(Everything)))).toBe("rendered");
  expect(shown).toEqual([
    {
      connection: { client: undefined, state: { name: "connecting", failures: 0 }, user: undefined },
      channel: ["room", { name: "joining" }, false],
      members: { members: [], count: 0 },
      messages: [],
      presence: undefined,
      mine: undefined,
      typing: [],
    },
  ]);
  await settled();
  expect(asked).toBe(0);
});

test("[RE12] what is asked of a channel that is not joined yet is refused", async () => {
  let publish: ReturnType<typeof useChannel>["publish"] | undefined;
  const Composer: FunctionComponent = () => {
    ({ publish } = useChannel("room"));
    return null;
  };
  renderToString(provided(createElement(Composer)));
  await expect(publish?.("too early")).rejects.toMatchObject({ code: "not_connected" });
});

test("[RE13] a hook without a provider above it says so", () => {
  const Lost: FunctionComponent = () => useConnection().state.name;
  expect(() => renderToString(createElement(Lost))).toThrow("no <RollcallProvider> above");
});

test("[RE13] a connection to one channel is refused: hooks join their channels themselves", () => {
  class Socket {
    addEventListener() {}
    send() {}
    close() {}
  }
  const client = connect({ ...OPTIONS, token: "t", channel: "room", WebSocket: Socket });
  const page = createElement(RollcallProvider, { client });
  expect(() => renderToString(page)).toThrow("the user's own connection");
  client.close();
});
