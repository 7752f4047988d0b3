import type { ChannelSummary, MemberPage, MessagePage, Published } from "../protocol/bodies.ts";
import { segment } from "./address.ts";
import type { Asking } from "./asking.ts";
import { type DefaultEvent, type EventName, messageBody, type PublishOptions } from "./message-options.ts";

/** One channel, as a back end sees it. Nothing is asked before one of its methods is called. */
export class Channel<Events extends object = Record<string, unknown>> {
  readonly name: string;
  readonly #asking: Asking;
  readonly #path: string;

  /** Use `rollcall.channel`. Throws `invalid_channel`. */
  constructor(asking: Asking, name: string) {
    this.#asking = asking;
    this.#path = `/v1/channels/${segment(name, "invalid_channel")}`;
    this.name = name;
  }

  /**
   * Publishes `data`, any JSON; resolves once it is stored. Until then it is said again under its key, as often as
   * `tries` allows. `duplicate` says that an earlier call, or an earlier try of this one, has published it.
   */
  async publish<Event extends EventName<Events> = DefaultEvent<Events>>(
    data: Events[Event],
    options: PublishOptions<Event> = {},
  ): Promise<Published> {
    const body = messageBody(data, options);
    return this.#asking.ask({ method: "POST", path: `${this.#path}/messages`, body, isRepeatable: true });
  }

  /** Tells those who are there now; never stored. Said again only where it is known that nobody has heard it. */
  async signal<Event extends EventName<Events>>(event: Event, data?: Events[Event]): Promise<void> {
    const path = `${this.#path}/signals`;
    await this.#asking.ask({ method: "POST", path, body: { event, data }, isRepeatable: false });
  }

  /** Stored messages by offset; `after` and `before` are exclusive, `limit` 1-1000, default 100. */
  history(
    options: {
      after?: number | undefined;
      before?: number | undefined;
      limit?: number | undefined;
      order?: "asc" | "desc" | undefined;
    } = {},
  ): Promise<MessagePage> {
    return this.#asking.ask({
      method: "GET",
      path: `${this.#path}/messages`,
      query: options,
      isRepeatable: true,
    });
  }

  /** One page of members, by user id, the hidden too; `limit` 1-1000, default 100. */
  members(options: { cursor?: string | undefined; limit?: number | undefined } = {}): Promise<MemberPage> {
    const path = `${this.#path}/members`;
    return this.#asking.ask({ method: "GET", path, query: options, isRepeatable: true });
  }

  /** The channel in numbers. One that nobody ever used answers as an empty one. */
  info(): Promise<ChannelSummary> {
    return this.#asking.ask({ method: "GET", path: this.#path, isRepeatable: true });
  }

  /** Sends a user away: connections end, and tokens issued before now lose this channel. */
  async remove(user: string): Promise<void> {
    const path = `${this.#path}/members/${segment(user, "invalid_user")}`;
    await this.#asking.ask({ method: "DELETE", path, isRepeatable: true });
  }

  /** Forgets messages, keys and members; connections come back, and what comes next has a new epoch. */
  async delete(): Promise<void> {
    await this.#asking.ask({ method: "DELETE", path: this.#path, isRepeatable: true });
  }
}
