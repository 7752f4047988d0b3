import type { InboxAnswer, SentAnswer, SessionList, Watched, WatchList } from "../protocol/answers.ts";
import type { Session } from "../protocol/bodies.ts";
import type { Ticket, TicketBody } from "../protocol/claims.ts";
import type { Presence, PresenceChange, Watch, WatcherPage } from "../protocol/presence.ts";
import { segment } from "./address.ts";
import type { ApiRequest, Asking } from "./asking.ts";
import { RollcallError } from "./errors.ts";
import { type DefaultEvent, type EventName, messageBody, type SendOptions } from "./message-options.ts";

/** What a ticket allows, and for how long. `exp` is when a session ends that it began, in seconds. */
export type TicketOptions = Partial<Omit<TicketBody, "user">>;

/** One user, as a back end sees it. Nothing is asked before one of its methods is called. */
export class User<Events extends object = Record<string, unknown>> {
  readonly id: string;
  readonly #asking: Asking;
  readonly #path: string;

  /** Use `rollcall.user`. Throws `invalid_user`. */
  constructor(asking: Asking, id: string) {
    this.#asking = asking;
    this.#path = `/v1/users/${segment(id, "invalid_user")}`;
    this.id = id;
  }

  /**
   * Sends a direct message to all of the user's devices, kept while they are away; resolves once it is stored. Until
   * then it is said again under its key. `delivered` is to how many live sessions it went at once.
   */
  async send<Event extends EventName<Events> = DefaultEvent<Events>>(
    data: Events[Event],
    options: SendOptions<Event> = {},
  ): Promise<SentAnswer> {
    return this.#ask("POST", "/messages", { body: messageBody(data, options) });
  }

  /** The presence over all sessions, `invisible` told as such. A user never seen is `offline`. */
  presence(): Promise<Presence> {
    return this.#ask("GET", "/presence");
  }

  /** Sets what the user says of itself: what is left out stays, null takes back. Resolves with the result. */
  setPresence(change: PresenceChange): Promise<Presence> {
    return this.#ask("PUT", "/presence", { body: change });
  }

  /** The live sessions, wherever they are kept. */
  async sessions(): Promise<Session[]> {
    const { sessions } = await this.#ask<SessionList>("GET", "/sessions");
    return sessions;
  }

  /** One live session, or undefined. */
  async session(id: string): Promise<Session | undefined> {
    return ifThere(this.#ask<Session>("GET", `/sessions/${segment(id, "not_found")}`));
  }

  /** Ends one session: its client stays away. Resolves also where it is over already. */
  async endSession(id: string): Promise<void> {
    await ifThere(this.#ask("DELETE", `/sessions/${segment(id, "not_found")}`));
  }

  /** Ends all sessions. Who has a token may connect again: see `revoke`. */
  async endSessions(): Promise<void> {
    await this.#ask("DELETE", "/sessions");
  }

  /** Ends all sessions, and refuses from now on every token that was issued in this second or before. */
  async revoke(): Promise<void> {
    await this.#ask("DELETE", "/sessions", { query: { revoke: true } });
  }

  /** Makes a ticket, with which somebody connects once as this user without a token: for who can send no header. */
  ticket(options: TicketOptions = {}): Promise<Ticket> {
    const body = { ...options, user: this.id };
    return this.#asking.ask({ method: "POST", path: "/v1/tickets", body, isRepeatable: true });
  }

  /** One page of who watches the user, by user id; `limit` 1-1000, default 100. */
  watchers(options: { cursor?: string | undefined; limit?: number | undefined } = {}): Promise<WatcherPage> {
    return this.#ask("GET", "/watchers", { query: options });
  }

  /** Whom the user watches, and until when at least. */
  async watching(): Promise<Watch[]> {
    const { users } = await this.#ask<WatchList>("GET", "/watching");
    return users;
  }

  /** The watch on another user, or undefined. */
  async watchOn(target: string): Promise<Watch | undefined> {
    return ifThere(this.#ask<Watch>("GET", `/watching/${segment(target, "invalid_user")}`));
  }

  /** Lets the user watch another, or renews that: each of its own connections hears of changes. */
  async watch(target: string): Promise<Watched> {
    return this.#ask("PUT", `/watching/${segment(target, "invalid_user")}`);
  }

  /** Ends what `watch` began; what sessions of the user hold stays. */
  async unwatch(target: string): Promise<void> {
    await this.#ask("DELETE", `/watching/${segment(target, "invalid_user")}`);
  }

  /** Direct messages that wait: after `after`, or after what this device has acknowledged. */
  inbox(
    options: { after?: number | undefined; limit?: number | undefined; device?: string | undefined } = {},
  ): Promise<InboxAnswer> {
    return this.#ask("GET", "/inbox", { query: options });
  }

  /** Erases the user everywhere: sessions, presence, watches in both directions, inbox, rosters. */
  async erase(): Promise<void> {
    await this.#ask("DELETE", "");
  }

  /** Nothing that is asked of a user does harm a second time: messages carry a key. */
  #ask<Answer>(
    method: ApiRequest["method"],
    path: string,
    more: Pick<ApiRequest, "query" | "body"> = {},
  ): Promise<Answer> {
    return this.#asking.ask({ method, path: this.#path + path, isRepeatable: true, ...more });
  }
}

/** Undefined in place of a 404. */
async function ifThere<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof RollcallError && error.code === "not_found") return undefined;
    throw error;
  }
}
