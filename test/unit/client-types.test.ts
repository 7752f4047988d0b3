import { expectTypeOf, test } from "vitest";
import type { Channel, Connection, connect } from "../../src/client/index.ts";

type Events = {
  chat: { text: string };
  cursor: { x: number };
  knock: undefined;
};

/** Never run: what it does not say is said by the compiler. */
function typed(client: Connection<Events>, room: Channel<Events>, plain: Connection) {
  client.on(
    "message",
    ({ event, data }) => event === "cursor" && expectTypeOf(data.x).toEqualTypeOf<number>(),
  );
  room.on("message", (message) => {
    if (message.event === "chat") expectTypeOf(message.data).toEqualTypeOf<{ text: string }>();
    else if (message.event === "cursor") expectTypeOf(message.data).toEqualTypeOf<{ x: number }>();
    expectTypeOf(message.offset).toEqualTypeOf<number>();
    // @ts-expect-error: no such event
    return message.event === "chta";
  });
  room.on("signal", ({ event }) => expectTypeOf(event).toEqualTypeOf<"chat" | "cursor" | "knock">());
  void client.publish({ text: "hi" }, { event: "chat" });
  // @ts-expect-error: not the data of this event
  void client.publish({ text: "hi" }, { event: "cursor" });
  // @ts-expect-error: there is no event `message`
  void client.publish({ text: "hi" });
  client.signal("knock");
  client.signal("cursor", { x: 1 });
  // @ts-expect-error: not the data of this event
  client.signal("cursor", { text: "hi" });
  // @ts-expect-error: no such event
  client.signal("crusor", { x: 1 });
  void room.publish({ text: "hi" }, { event: "chat" });
  // @ts-expect-error: not the data of this event
  void room.publish({ text: "hi" }, { event: "cursor" });
  // @ts-expect-error: there is no event `message`
  void room.publish({ text: "hi" });
  room.signal("knock");
  room.signal("cursor", { x: 1 });
  // @ts-expect-error: not the data of this event
  room.signal("cursor", { text: "hi" });
  // @ts-expect-error: no such event
  room.signal("crusor", { x: 1 });
  void plain.publish("anything");
  void plain.publish(1, { event: "any", key: "k" });
  plain.signal("any", [1]);
  plain.on("message", ({ event, data }) => {
    expectTypeOf(event).toEqualTypeOf<string>();
    expectTypeOf(data).toEqualTypeOf<unknown>();
  });
  expectTypeOf(client.channel("room")).toEqualTypeOf<Channel<Events>>();
  expectTypeOf(plain.channel("room").state.name).toEqualTypeOf<"joining" | "open" | "waiting" | "closed">();
}

test("[CL105] data is typed by event, and without types any event has any data", () => {
  expectTypeOf(typed).parameter(0).toEqualTypeOf<Connection<Events>>();
  expectTypeOf<typeof connect<{ message: string }>>().returns.toEqualTypeOf<
    Connection<{ message: string }>
  >();
  expectTypeOf<Connection<{ message: string }>["publish"]>().toBeCallableWith("text");
});

test("[CL105] a loop has typed messages", () => {
  type Heard = Channel<Events> extends AsyncIterable<infer Message> ? Message : never;
  expectTypeOf<Heard["event"]>().toEqualTypeOf<"chat" | "cursor" | "knock">();
  expectTypeOf<Extract<Heard, { event: "chat" }>["data"]>().toEqualTypeOf<{ text: string }>();
});
