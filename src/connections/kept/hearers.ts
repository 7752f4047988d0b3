import { isLeftOut, isSender } from "../../objects/left-out.ts";
import type { SaidMessage } from "../../objects/relaying.ts";
import { skippedFrame } from "../../objects/skipped-frame.ts";
import type { Said } from "../../objects/subscribing.ts";
import type { Exclusion, From } from "../../protocol/bodies.ts";
import { type Connection, fromConnection } from "../connection.ts";
import type { Connections } from "../connections.ts";
import type { CatchUp } from "./catch-up.ts";
import type { ChannelGrants } from "./channel-grants.ts";

/** The connections to a channel that one keeper holds, and what each may hear: the same bytes for all. */
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
        return this.tellOfRoster(said.text);
      case "signal":
        return this.#connections.tellAll(said.text, { but: this.#sendersOf(said.from) });
    }
  }

  /** A frame about the roster, for whoever may hear of it. */
  tellOfRoster(frame: string): void {
    const deaf = [...this.#connections.all()].filter((one) => !this.#grants.mayUse(one, "members"));
    this.#connections.tellAll(frame, { but: new Set(deaf) });
  }

  /** Who still reads gets there by itself; a socket that fails reads it too, and takes no other's message with it. */
  #tellMessage({ offset, text, exclude }: SaidMessage): void {
    const { behind } = this.#catchUp;
    const leftOut = exclude === undefined ? [] : this.#leftOut(exclude);
    this.#connections.tellAll(text, {
      but: leftOut.length === 0 ? behind : new Set([...behind, ...leftOut]),
      failed: (connection) => this.#catchUp.fallBehind(connection, offset - 1),
    });
    for (const connection of leftOut) this.#skip(connection, offset);
  }

  /** Whom a message is not for, of those who hear what is new. */
  #leftOut(exclude: Exclusion): Connection[] {
    const { behind } = this.#catchUp;
    return [...this.#connections.all()].filter(
      (connection) => !behind.has(connection) && isLeftOut(exclude, fromConnection(connection)),
    );
  }

  #skip(connection: Connection, offset: number): void {
    try {
      connection.tell(skippedFrame(this.#channel, offset));
    } catch {
      this.#catchUp.fallBehind(connection, offset - 1); // as all whose socket fails
    }
  }

  /** The session that said it; or the user's, where it was said by none of them. */
  #sendersOf(from: From | undefined): ReadonlySet<Connection> {
    if (from?.session === undefined) {
      return new Set(
        from === undefined ? [] : [...this.#connections.all()].filter((one) => isSender(from, one)),
      );
    }
    const sender = this.#connections.find(from.session);
    return new Set(sender === undefined ? [] : [sender]);
  }
}
