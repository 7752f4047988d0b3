import { LiveConnection } from "./connection.ts";
import { type ConnectOptions, settingsOf } from "./settings.ts";
import type { Connection } from "./typed-connection.ts";
import type { AnyEvents } from "./typed-events.ts";

/**
 * Connects a user, and keeps the connection: lost, it comes back by itself, with growing pauses. Returns
 * at once. `Events` are the application's own: of each name the type of its data. Throws a TypeError where `url`
 * cannot be one.
 *
 * ```ts
 * const client = connect<{ chat: { text: string } }>({ url: "https://presence.example.com", token });
 * const room = client.channel("lobby");
 * room.on("members", () => console.log([...room.members.keys()]));
 * room.publish({ text: "hello" }, { event: "chat" }).catch(console.error);
 * for await (const { from, data } of room) console.log(from?.user, data.text);
 * ```
 */
export function connect<Events = AnyEvents>(options: ConnectOptions): Connection<Events> {
  return new LiveConnection(settingsOf(options)) as Connection<Events>;
}
