import type { Notice, Reader } from "../../objects/ports.ts";
import type { Presence } from "../../protocol/presence.ts";
import type { Activity } from "./activity.ts";
import { isVisibleTo, neverSeen, presenceOf, shownOf, versionsOf } from "./presence.ts";
import type { Versions } from "./session-table.ts";
import type { Standing } from "./standing.ts";

/** One user as each reader may see it. The user itself and back ends see all of it. */
export class View {
  readonly #user: string;
  readonly #standing: Standing;
  readonly #activity: () => Activity;

  constructor(user: string, standing: Standing, activity: () => Activity) {
    this.#user = user;
    this.#standing = standing;
    this.#activity = activity;
  }

  /** `silent`: sessions that a read does not count. */
  for(reader: Reader, silent?: ReadonlySet<string>): Presence {
    const facts = this.#standing.facts(silent, this.#activity().at);
    if (reader.kind === "back end" || this.isSelf(reader.user)) return presenceOf(facts);
    return this.isHiddenFrom(reader.user) ? neverSeen(this.#user) : shownOf(facts);
  }

  isSelf(reader: string): boolean {
    return reader === this.#user;
  }

  isHiddenFrom(reader: string): boolean {
    return !this.isSelf(reader) && !isVisibleTo(this.#standing.row().visibility, reader);
  }

  versions(): Versions {
    return versionsOf(this.#standing.facts());
  }

  /** What this watcher is told now. */
  noticeFor(watcher: string): Notice {
    const presence = this.for({ kind: "user", user: watcher });
    return { user: this.#user, order: this.versions().version, presence };
  }
}
