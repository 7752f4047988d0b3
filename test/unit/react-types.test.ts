import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, expectTypeOf, test } from "vitest";
import { RollcallProvider, useChannel, useMessages } from "../../src/react/index.ts";

interface Events {
  "message.sent": { text: string };
  cursor: { x: number };
}

/** Compiled with the tests: what must not compile is marked so, and it is an error where it does. */
function Typed() {
  const { publish, signal } = useChannel<Events>("room", {
    onMessage: (message) => {
      if (message.event === "cursor") expectTypeOf(message.data).toEqualTypeOf<{ x: number }>();
    },
    onSignal: ({ event }) => expectTypeOf(event).toEqualTypeOf<"message.sent" | "cursor">(),
  });
  const [first] = useMessages<Events>("room");
  if (first?.event === "message.sent") expectTypeOf(first.data).toEqualTypeOf<{ text: string }>();
  const said = () => {
    publish({ text: "hello" }, { event: "message.sent" }).catch(console.error);
    // @ts-expect-error: an event of this name has other data
    publish({ x: 1 }, { event: "message.sent" }).catch(console.error);
    // @ts-expect-error: there is no such event
    return signal("elsewhere", {});
  };
  expectTypeOf(said).returns.toBeBoolean();
  const [plain] = useMessages("room");
  if (plain !== undefined) expectTypeOf(plain.data).toBeUnknown();
  return "typed";
}

test("[RE15] the events of an application are typed where it names them, and else any JSON", () => {
  const options = { url: "https://presence.example.com", token: "never used", WebSocket: class {} as never };
  const page = createElement(RollcallProvider, { ...options, children: createElement(Typed) });
  expect(renderToString(page)).toBe("typed");
});
