import { mayUseChannel } from "../auth/grants.ts";
import type { Settings } from "../config.ts";
import { type Connection, fromConnection } from "../connections/connection.ts";
import type { CatchUp } from "../connections/kept/catch-up.ts";
import type { Wanted } from "../connections/kept/wanted.ts";
import type { Clock } from "../objects/ports.ts";
import type { Message, Skipped } from "../protocol/bodies.ts";
import type { Ref } from "../protocol/client-frames.ts";
import type { WelcomeFrame } from "../protocol/server-frames.ts";
import { firstPage } from "./log/first-page.ts";
import type { MessageLog, Piece } from "./log/message-log.ts";
import type { Members } from "./roster/members.ts";

/** A frame that says where the session stands: the first one, or the answer to `subscribe`. */
type Head = WelcomeFrame | { type: "subscribed"; ref?: Ref };

/** Where a session stands in its channel: told when it connects, and when it asks whether it has missed anything. */
export class Standing {
  readonly #channel: string;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #members: Members;
  readonly #log: MessageLog;
  readonly #catchUp: CatchUp;

  constructor(
    clock: Clock,
    about: { channel: string; settings: Settings },
    rooms: { members: Members; log: MessageLog; catchUp: CatchUp },
  ) {
    this.#clock = clock;
    this.#channel = about.channel;
    this.#settings = about.settings;
    this.#members = rooms.members;
    this.#log = rooms.log;
    this.#catchUp = rooms.catchUp;
  }

  /** One frame with the roster's and the log's first page; what else was missed follows, and then what is new. */
  tell(connection: Connection, head: Head, asked: Omit<Wanted, "mayHistory">): void {
    const { count, ...detail } = this.#members.firstPage();
    const mayHear = this.#mayUse(connection, "members") ? detail : {};
    const wanted = { ...asked, mayHistory: this.#mayUse(connection, "history") };
    const { place, first } = firstPage(this.#log, this.#clock, wanted, fromConnection(connection));
    const messages = first.texts.map((text) => JSON.parse(text) as Message | Skipped);
    this.#catchUp.stop(connection);
    connection.tell(
      JSON.stringify({ ...head, channel: this.#channel, ...place, messages, count, ...mayHear }),
    );
    this.#goOn(connection, first);
  }

  #goOn(connection: Connection, first: Piece): void {
    if (first.isLast) return;
    this.#catchUp.begin(connection, first.offset, first.bytes);
    this.#catchUp.go(connection);
  }

  #mayUse({ state }: Connection, capability: "members" | "history"): boolean {
    return mayUseChannel(state.claims, capability, this.#channel, this.#settings.DEFAULT_GRANTS);
  }
}
