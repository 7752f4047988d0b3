import type { BroadcastAnswer, ManyResult, PresenceList } from "../protocol/answers.ts";
import type { OccupiedPage, OnlinePage, Stats } from "../protocol/directory.ts";
import type { DeadLetterPage } from "../protocol/events.ts";
import type { Cleaned, Health } from "../protocol/maintenance.ts";
import type { Presence } from "../protocol/presence.ts";
import { type Query, segment } from "./address.ts";
import type { Asking } from "./asking.ts";
import { Channel } from "./channel.ts";
import { type DefaultEvent, type EventName, messageBody, type SendOptions } from "./message-options.ts";
import { User } from "./user.ts";

/** The service stops after twenty seconds; that is then still to be answered. */
const CLEAN_UP_MS = 60_000;

/** Where a page begins and how long it is: `limit` is 1-1000, default 100. */
export interface PageOptions {
  /** Of the page before. */
  cursor?: string | undefined;
  limit?: number | undefined;
}

/** Everything that a back end asks of the service. Each promise rejects with a `RollcallError`. */
export class Requests<Events extends object = Record<string, unknown>> {
  readonly #asking: Asking;

  /** Use `Rollcall`. */
  constructor(asking: Asking) {
    this.#asking = asking;
  }

  /** One channel. Throws `invalid_channel` for a name that can stand in no address. */
  channel<ChannelEvents extends object = Events>(name: string): Channel<ChannelEvents> {
    return new Channel<ChannelEvents>(this.#asking, name);
  }

  /** One user. Throws `invalid_user` for an id that can stand in no address. */
  user<DirectEvents extends object = Events>(id: string): User<DirectEvents> {
    return new User<DirectEvents>(this.#asking, id);
  }

  /**
   * The same message to up to 1,000 users and 100 channels: resolves with what came of it at each, users first, and
   * rejects only where it got to none. The key counts at each target: said again, it reaches only those it has not.
   */
  async send<Event extends EventName<Events> = DefaultEvent<Events>>(
    to: { users?: readonly string[] | undefined; channels?: readonly string[] | undefined },
    data: Events[Event],
    options: SendOptions<Event> = {},
  ): Promise<ManyResult[]> {
    const { users, channels } = to;
    const body = { ...messageBody(data, options), users, channels };
    const path = "/v1/messages";
    const answer = await this.#asking.ask<{ results: ManyResult[] }>({
      ...{ method: "POST", path, body, isRepeatable: true },
    });
    return answer.results;
  }

  /** To every live session of every user; not stored. `users` is to how many it is on its way. */
  async broadcast<Event extends EventName<Events> = DefaultEvent<Events>>(
    data: Events[Event],
    options: SendOptions<Event> = {},
  ): Promise<BroadcastAnswer> {
    const body = messageBody(data, options);
    return this.#asking.ask({ method: "POST", path: "/v1/broadcast", body, isRepeatable: true });
  }

  /** The presence of up to 200 users at once, in the order asked. */
  async presence(users: readonly string[]): Promise<Presence[]> {
    if (users.length === 0) return [];
    const query = { users: users.join(",") };
    const list = await this.#read<PresenceList>("/v1/presence", query);
    return list.users;
  }

  /** One page of users online now, and how many there are in all. */
  online(options: PageOptions = {}): Promise<OnlinePage> {
    return this.#read("/v1/presence", { ...options });
  }

  /** One page of the channels that have members; `prefix` is how their names begin. */
  channels(options: PageOptions & { prefix?: string | undefined } = {}): Promise<OccupiedPage> {
    return this.#read("/v1/channels", { ...options });
  }

  /** How many users, sessions and occupied channels there are, and what it has cost. */
  stats(): Promise<Stats> {
    return this.#read("/v1/stats");
  }

  /** How each part of the service is; resolves also where one fails. */
  health(): Promise<Health> {
    return this.#asking.ask({ method: "GET", path: "/healthz", isRepeatable: true, accepts: 503 });
  }

  /** One page of the events that no webhook took, the oldest first. */
  deadLetters(options: PageOptions = {}): Promise<DeadLetterPage> {
    return this.#read("/v1/dead-letters", { ...options });
  }

  /** Sends an event again that no webhook took, under its old id. Rejects with `not_found` where it is not there. */
  async replay(id: string): Promise<void> {
    const path = `/v1/dead-letters/${segment(id, "not_found")}/replay`;
    await this.#asking.ask({ method: "POST", path, isRepeatable: false });
  }

  /** Runs the periodic sweep now. Where it says `more`, go on from its `cursor`. */
  cleanUp(options: { cursor?: string | undefined } = {}): Promise<Cleaned> {
    const path = "/v1/maintenance/cleanup";
    const request = { method: "POST", path, query: { ...options }, isRepeatable: true } as const;
    return this.#asking.ask({ ...request, withinMs: CLEAN_UP_MS });
  }

  #read<Answer>(path: string, query: Query = {}) {
    return this.#asking.ask<Answer>({ method: "GET", path, query, isRepeatable: true });
  }
}
