import type { Database } from "../../src/objects/migrations.ts";
import type { Presence } from "../../src/protocol/presence.ts";
import {
  isVisibleTo,
  type PresenceFacts,
  presenceOf,
  shownOf,
  versionsOf,
} from "../../src/user/presence/presence.ts";
import { Standing } from "../../src/user/presence/standing.ts";
import type { SimulatedObject } from "./simulated-object.ts";
import type { World } from "./world.ts";

/** All that a presence follows from. */
const TABLES = ["user", "session"];

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
  /** How often each object had been woken when it was looked at last. */
  readonly #wakes = new Map<string, number>();
  readonly #before = new Map<string, PresenceFacts>();
  /** The writes after which each user was checked, and read. */
  readonly #checked = new Map<string, number>();
  readonly #known = new Map<string, { written: number; facts: PresenceFacts }>();

  constructor(world: World, users: readonly string[]) {
    this.#world = world;
    this.#users = users;
  }

  /** After a turn of an object. */
  turned(object: SimulatedObject): void {
    if (object.kind !== "user") return;
    const hasWoken = this.#wakes.get(object.name) !== object.wakes;
    this.#wakes.set(object.name, object.wakes);
    const written = object.storage.versionOf(...TABLES);
    if (this.#checked.get(object.name) === written) return;
    this.#checked.set(object.name, written);
    const before = this.#known.get(object.name)?.facts;
    const facts = this.facts(object.name);
    this.#versionGrows(facts);
    this.#graceIsKept(facts);
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
      // To wake may change the look before whatever came hides it: who could see it then was told in between.
      if (hasWoken && before !== undefined && isVisibleTo(before.row.visibility, user))
        known.visibleTo.add(user);
    }
    shown.set(version, known);
  }

  /** What is durable of this user now. */
  facts(user: string): PresenceFacts {
    const { storage } = this.#world.object("user", user);
    const known = this.#known.get(user);
    const written = storage.versionOf(...TABLES);
    if (known?.written === written) return known.facts;
    const grace = this.#world.settings.OFFLINE_GRACE_SECONDS * 1000;
    // Without a database in between, which would look for its schema each time. Nothing is written.
    const sql = storage.hasTables ? (storage as unknown as Database) : NOTHING;
    const facts = new Standing(user, sql, grace, { memberChanged: () => {}, changed: () => {} }).facts();
    this.#known.set(user, { written, facts });
    return facts;
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

  /** Whoever was there a moment ago is not offline: the last end lies a grace back. Erasing waits for nobody. */
  #graceIsKept(facts: PresenceFacts): void {
    const before = this.#before.get(facts.user);
    this.#before.set(facts.user, facts);
    if (before === undefined || before.row.erasedVersion !== facts.row.erasedVersion) return;
    if (presenceOf(facts).status !== "offline" || presenceOf(before).status === "offline") return;
    // Where one lived until this turn, its end and the grace of that lie in this turn.
    const { sessions } = facts.sessions.length > 0 ? facts : before;
    if (sessions.some(({ endedAt }) => endedAt === null)) return;
    const dueAt = Math.max(...sessions.map(({ endedAt }) => endedAt ?? 0)) + before.graceMs;
    if (dueAt > this.#world.now)
      this.#fail(`grace: ${facts.user} is offline ${dueAt - this.#world.now} ms too early`);
  }

  #fail(sentence: string): void {
    this.#world.journal.fail(sentence);
  }
}

const NOTHING = { all: () => [] } as unknown as Database;

/** All of it that a version stands for. */
export function lookOf({ status, text, emoji, expiresAt, devices }: Presence): string {
  return JSON.stringify({ status, text, emoji, expiresAt, devices });
}
