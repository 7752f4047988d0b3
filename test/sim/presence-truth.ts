import { Database } from "../../src/objects/migrations.ts";
import type { Presence } from "../../src/protocol/presence.ts";
import { isVisibleTo, type PresenceFacts, presenceOf, shownOf, versionsOf } from "../../src/user/presence.ts";
import { Standing } from "../../src/user/standing.ts";
import type { SimulatedObject } from "./simulated-object.ts";
import type { World } from "./world.ts";

/** What others saw under one version, and who of them. */
interface Shown {
  look: string;
  visibleTo: Set<string>;
}

/**
 * What is durable about each user's presence, after each turn that changed it: one version is one look, and
 * whoever is told of it was allowed to see it while it was true.
 */
export class PresenceTruth {
  readonly #world: World;
  readonly #users: readonly string[];
  readonly #shown = new Map<string, Map<number, Shown>>();
  readonly #versions = new Map<string, number>();
  readonly #seen = new Map<SimulatedObject, number>();

  constructor(world: World, users: readonly string[]) {
    this.#world = world;
    this.#users = users;
  }

  /** After a turn of an object. */
  turned(object: SimulatedObject): void {
    if (object.kind !== "user" || this.#seen.get(object) === object.storage.version) return;
    this.#seen.set(object, object.storage.version);
    const facts = this.facts(object.name);
    this.#versionGrows(facts);
    const { version } = shownOf(facts);
    if (version === undefined) return;
    const shown = this.#shown.get(object.name) ?? new Map<number, Shown>();
    this.#shown.set(object.name, shown);
    const look = lookOf(shownOf(facts));
    const known = shown.get(version) ?? { look, visibleTo: new Set() };
    if (known.look !== look) {
      this.#fail(`one version, one look: ${object.name} at ${version} was ${known.look}, and is ${look}`);
    }
    for (const user of this.#users) {
      if (isVisibleTo(facts.row.visibility, user)) known.visibleTo.add(user);
    }
    shown.set(version, known);
  }

  /** What is durable of this user now. */
  facts(user: string): PresenceFacts {
    const { storage } = this.#world.object("user", user);
    const grace = this.#world.settings.OFFLINE_GRACE_SECONDS * 1000;
    return new Standing(user, new Database(storage, []), grace, { memberChanged: () => {} }).facts();
  }

  /** Why this watcher must not have been told this; undefined where it may. */
  whyWrong(watcher: string, told: Presence): string | undefined {
    if (told.version === undefined) {
      return told.status === "offline" && told.lastActiveAt === null
        ? undefined
        : `${watcher} was told of ${told.user} without a version: ${lookOf(told)}`;
    }
    const shown = this.#shown.get(told.user)?.get(told.version);
    if (shown === undefined) {
      // A turn may tell of one change and make another: only the last is durable by itself.
      const isPassed = told.version < (this.#versions.get(told.user) ?? 0);
      return isPassed ? undefined : `${watcher} was told of ${told.user} at ${told.version}, which never was`;
    }
    if (shown.look !== lookOf(told)) {
      return `${watcher} was told of ${told.user} at ${told.version}: ${lookOf(told)}, not ${shown.look}`;
    }
    return shown.visibleTo.has(watcher) ? undefined : `denied: ${watcher} was told of ${told.user}`;
  }

  #versionGrows(facts: PresenceFacts): void {
    const { version } = versionsOf(facts);
    const before = this.#versions.get(facts.user) ?? 0;
    if (version < before) this.#fail(`versions grow: ${facts.user} went back from ${before} to ${version}`);
    this.#versions.set(facts.user, version);
    if (presenceOf(facts).status === "offline" && facts.sessions.some(({ endedAt }) => endedAt === null)) {
      this.#fail(`${facts.user} is offline, and has live sessions`);
    }
  }

  #fail(sentence: string): void {
    this.#world.journal.fail(sentence);
  }
}

/** All of it that a version stands for. */
export function lookOf({ status, text, emoji, expiresAt, devices }: Presence): string {
  return JSON.stringify({ status, text, emoji, expiresAt, devices });
}
