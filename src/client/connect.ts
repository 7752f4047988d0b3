import { Connection } from "./connection.ts";
import { type ConnectOptions, settingsOf } from "./settings.ts";

/**
 * Connects a user, and keeps the connection: lost, it comes back by itself, with growing pauses. Returns
 * at once; listen to `status` and `welcome`. Throws a TypeError where `url` cannot be one.
 *
 * ```ts
 * const room = connect({ url: "https://presence.example.com", token, channel: "lobby" });
 * room.on("message", ({ from, data }) => console.log(from?.user, data));
 * room.on("members", () => console.log([...room.roster.keys()]));
 * room.on("welcome", () => room.publish("hello").catch(console.error));
 * ```
 */
export function connect(options: ConnectOptions): Connection {
  return new Connection(settingsOf(options));
}
