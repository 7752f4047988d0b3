import type { Connection, Message } from "../client/index.ts";
import type { CardBody } from "./card-body.ts";
import { Composer } from "./composer.ts";
import { MemberList } from "./member-list.ts";
import { MessageList } from "./message-list.ts";
import { TypingLine } from "./typing-line.ts";

/** So many of the newest messages greet who joins. */
const EARLIER = 20;

/** What the page wants to know of the talk. */
export interface TalkHandlers {
  published(id: string, begunAt: number): void;
  readEarlier(messages: readonly Message[]): void;
}

/** A channel as one person sees it: who is here, what is said, and a line to say something. */
export class ChannelTalk implements CardBody {
  readonly elements: readonly HTMLElement[];
  readonly #members: MemberList;
  readonly #messages: MessageList;
  readonly #typing = new TypingLine();
  readonly #composer: Composer;

  readonly #handlers: TalkHandlers;

  constructor(user: string, handlers: TalkHandlers) {
    this.#handlers = handlers;
    this.#members = new MemberList(user);
    this.#messages = new MessageList(user);
    this.#composer = new Composer(user, this.#typing, handlers.published);
    this.elements = [this.#members.element, this.#messages.element, this.#composer.element];
  }

  attach(connection: Connection): void {
    this.#members.attach(connection);
    this.#messages.attach(connection);
    this.#typing.attach(connection);
    this.#composer.attach(connection);
    const forget = connection.on("welcome", ({ offset = 0 }) => {
      forget(); // a reconnect recovers by itself
      void this.#readEarlier(connection, offset);
    });
  }

  detach(): void {
    this.#members.clear();
    this.#typing.clear();
    this.#composer.detach();
  }

  focus(): void {
    this.#composer.focus();
  }

  /** The last messages up to `offset`; what came after it comes live. Never rejects: trouble is shown. */
  async #readEarlier(connection: Connection, offset: number): Promise<void> {
    try {
      const { messages } = await connection.history({ after: Math.max(0, offset - EARLIER), limit: EARLIER });
      const earlier = messages.filter((message) => message.offset <= offset);
      this.#messages.addEarlier(earlier);
      this.#handlers.readEarlier(earlier);
    } catch (error) {
      this.#composer.complain(error);
    }
  }
}
