import { type Connection, fromConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import type { CatchUp } from "../connections/kept/catch-up.ts";
import type { ChannelGrants } from "../connections/kept/channel-grants.ts";
import { isLeftOut, isSender } from "../objects/left-out.ts";
import type { SaidMessage } from "../objects/relaying.ts";
import { skippedFrame } from "../objects/skipped-frame.ts";
import type { Said } from "../objects/subscribing.ts";

/** Everybody who is connected to this relay, and what each may hear. The same bytes for all. */
export class Hearers {
  readonly #channel: string;
  readonly #connections: Connections;
  readonly #grants: ChannelGrants;
  readonly #catchUp: CatchUp;

  constructor(channel: string, rooms: { connections: Connections; grants: ChannelGrants; catchUp: CatchUp }) {
    this.#channel = channel;
    this.#connections = rooms.connections;
    this.#grants = rooms.grants;
    this.#catchUp = rooms.catchUp;
  }

  tell(said: Said): void {
    switch (said.is) {
      case "message":
        return this.#tellMessage(said);
      case "roster":
        return this.#tellEach((connection) => (this.#mayHearRoster(connection) ? said.text : undefined));
      case "signal":
        return this.#tellEach((connection) => (isSender(said.from, connection) ? undefined : said.text));
    }
  }

  /** A frame about the roster, for whoever may hear of it. */
  tellOfRoster(frame: string): void {
    this.tell({ is: "roster", text: frame });
  }

  /** Who still reads gets there by itself; a socket that fails reads it too, and takes no other's message with it. */
  #tellMessage({ offset, text, exclude }: SaidMessage): void {
    const skipped = exclude === undefined ? text : skippedFrame(this.#channel, offset);
    const failed: Connection[] = [];
    this.#tellEach(
      (connection) => {
        if (connection.state.catchUp !== null) return undefined;
        return exclude !== undefined && isLeftOut(exclude, fromConnection(connection)) ? skipped : text;
      },
      (connection) => failed.push(connection),
    );
    for (const connection of failed) this.#catchUp.fallBehind(connection, offset - 1);
  }

  /** The one place from which all are sent something. */
  #tellEach(
    textFor: (connection: Connection) => string | undefined,
    onFailed: (connection: Connection) => void = () => undefined,
  ): void {
    for (const connection of this.#connections.all()) {
      const text = textFor(connection);
      if (text === undefined) continue;
      try {
        connection.socket.send(text);
      } catch {
        onFailed(connection); // a roster is made good by the next one, a signal is promised to nobody
      }
    }
  }

  #mayHearRoster(connection: Connection): boolean {
    return this.#grants.mayUse(connection, "members");
  }
}
