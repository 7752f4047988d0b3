import { mayWatch } from "../../auth/grants.ts";
import type { Settings } from "../../config.ts";
import { CallQueue } from "../../connections/call-queue.ts";
import type { Connection } from "../../connections/connection.ts";
import { sendError, sendOk } from "../../connections/incoming.ts";
import type { UnwatchFrame, WatchFrame } from "../../protocol/client-frames.ts";
import { isRefusal, refusal } from "../../protocol/codes.ts";
import type { Watching } from "./watching.ts";

/** `watch` and `unwatch` on a user's own connection: granted here, held by the session. */
export class WatchFrames {
  readonly #settings: Settings;
  readonly #watching: Watching;
  readonly #rules: { isLive(connection: Connection): boolean; settled(): void };
  readonly #queue = new CallQueue();

  constructor(
    settings: Settings,
    watching: Watching,
    rules: { isLive(connection: Connection): boolean; settled(): void },
  ) {
    this.#settings = settings;
    this.#watching = watching;
    this.#rules = rules;
  }

  /** In the order in which they came: an `unwatch` must not overtake the `watch` before it. */
  async answer(connection: Connection, frame: WatchFrame | UnwatchFrame): Promise<void> {
    const answered = this.#queue.add(connection, () => this.#answer(connection, frame));
    if (answered === undefined) sendError(connection, refusal("unavailable", "too much waits"), frame.ref);
    await answered;
  }

  /** The connection goes on with other claims: what they do not allow it holds no longer. */
  renewed(connection: Connection): void {
    const held = this.#watching.heldBy(connection.session);
    const lost = held.filter((user) => !this.#mayWatch(connection, user));
    this.#watching.unwatch(connection.session, lost);
  }

  /** What a stream asked for in its address: a frame for each, as if it were watched over HTTP. */
  async begin(connection: Connection, users: readonly string[]): Promise<void> {
    const result = await this.#watching.watch(connection.session, users);
    if (isRefusal(result)) sendError(connection, result, undefined);
    else for (const presence of result) connection.send({ type: "presence", ...presence });
    this.#rules.settled();
  }

  async #answer(connection: Connection, frame: WatchFrame | UnwatchFrame): Promise<void> {
    if (!this.#rules.isLive(connection)) return; // it ended while this waited
    if (frame.type === "watch") await this.#watch(connection, frame);
    else {
      this.#watching.unwatch(connection.session, frame.users);
      sendOk(connection, frame.ref);
    }
    this.#rules.settled();
  }

  async #watch(connection: Connection, { users, only, ref }: WatchFrame): Promise<void> {
    const forbidden = () =>
      users.every((user) => this.#mayWatch(connection, user))
        ? undefined
        : refusal("forbidden", "no grant to watch all of these users");
    const result =
      forbidden() ?? (await this.#watching.watch(connection.session, users, { only, refusal: forbidden }));
    if (isRefusal(result)) sendError(connection, result, ref);
    else sendOk(connection, ref, { presence: result });
  }

  #mayWatch({ state }: Connection, user: string): boolean {
    return mayWatch(state.claims, user, this.#settings.DEFAULT_GRANTS);
  }
}
