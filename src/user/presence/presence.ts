import type { MemberState } from "../../objects/ports.ts";
import type { DeviceType } from "../../protocol/names.ts";
import type { Presence, SeenStatus, SetStatus, Visibility } from "../../protocol/presence.ts";
import type { SessionRow, Versions } from "./session-table.ts";
import type { Setting } from "./setting.ts";
import type { UserRow } from "./user-table.ts";

/*
 * One user over all devices: what its rows say, merged. Pure: time enters by duties that change rows (the
 * grace is over, a setting has expired, nobody is active), so the same rows are the same presence for ever,
 * and each change of it has one version. Others see what is *shown*: an invisible user as if offline.
 */

const MINUTE_MS = 60_000;
/** Of what the sessions say the first of these counts; who says nothing is online. */
const STRONGEST_FIRST: readonly SetStatus[] = ["invisible", "busy", "online", "away"];

/** What one user's presence follows from. */
export interface PresenceFacts {
  user: string;
  row: UserRow;
  sessions: readonly SessionRow[];
  /** Sessions that are kept here and have been silent for the TTL: a read never counts them. */
  silent: ReadonlySet<string>;
  graceMs: number;
  /** The latest activity known beyond what rows hold, in milliseconds. */
  activeAt?: number;
}

/** When a user without live sessions turns offline, in milliseconds; null while one lives or none ever did. */
export function offlineAt(sessions: readonly SessionRow[], graceMs: number): number | null {
  let last: number | null = null;
  for (const { endedAt } of sessions) {
    if (endedAt === null) return null;
    if (last === null || endedAt > last) last = endedAt;
  }
  return last === null ? null : last + graceMs;
}

/** The versions of the last change: the highest that any row holds. */
export function versionsOf({ row, sessions }: Pick<PresenceFacts, "row" | "sessions">): Versions {
  let { version, shownVersion } = row;
  for (const session of sessions) {
    version = Math.max(version, session.version);
    shownVersion = Math.max(shownVersion, session.shownVersion);
  }
  return { version, shownVersion };
}

/** The versions after a change: each rises where who goes by it would see a difference. */
export function versionsAfter(before: PresenceFacts, after: PresenceFacts): Versions {
  const { version, shownVersion } = versionsOf(before);
  const isShown = !looksSame(shownOf(before), shownOf(after));
  const isSeen = isShown || !looksSame(presenceOf(before), presenceOf(after));
  const isOther = isSeen || JSON.stringify(before.row.visibility) !== JSON.stringify(after.row.visibility);
  return { version: version + (isOther ? 1 : 0), shownVersion: shownVersion + (isShown ? 1 : 0) };
}

/**
 * As the user and back ends see it. Online exactly if a live session exists or the grace runs; what status
 * that is, the table in SPEC.md says.
 */
export function presenceOf(facts: PresenceFacts): Presence {
  const counted = countedOf(facts);
  const leading = counted.length === 0 ? facts.row.setting : leadingOf(facts.row, counted);
  const { version } = versionsOf(facts);
  return {
    user: facts.user,
    status: counted.length === 0 ? "offline" : statusOf(facts.row, counted),
    ...detailOf(leading),
    lastActiveAt: lastActiveOf(facts),
    devices: deviceTypes(counted),
    ...(version > facts.row.erasedVersion ? { version } : {}),
  };
}

/** As others see it, whom the user does not hide from. Times are to the minute: more would tell of habits. */
export function shownOf(facts: PresenceFacts): Presence {
  const { status, lastActiveAt, version: _, ...own } = presenceOf(facts);
  const { shownVersion } = versionsOf(facts);
  const seen = shownVersion > facts.row.erasedVersion ? { version: shownVersion } : {};
  if (status === "offline" || status === "invisible") {
    const detail = detailOf(facts.row.setting);
    const lastActiveAt = toMinute(facts.row.shownActiveAt);
    return { user: facts.user, status: "offline", ...detail, lastActiveAt, devices: [], ...seen };
  }
  return { ...own, status, lastActiveAt: toMinute(lastActiveAt), ...seen };
}

/** A user never seen; and exactly the same, whoever the user hides from. */
export function neverSeen(user: string): Presence {
  return { user, status: "offline", lastActiveAt: null, devices: [] };
}

/** Whether the user lets this other user see it. */
export function isVisibleTo(visibility: Visibility, reader: string): boolean {
  if (typeof visibility === "string") return visibility === "everyone";
  return "only" in visibility ? visibility.only.includes(reader) : !visibility.except.includes(reader);
}

/** How the user appears in rosters, which are the same for everybody. */
export function memberOf(facts: PresenceFacts): MemberState {
  const { status } = presenceOf(facts);
  const { version } = versionsOf(facts);
  const isHidden = status === "invisible";
  const isOpen = facts.row.visibility === "everyone" && !isHidden;
  return { version, isHidden, ...(isOpen ? { status: status as SeenStatus } : {}) };
}

/** Whether rosters would show a difference. */
export function isSameMember(a: MemberState, b: MemberState): boolean {
  return a.status === b.status && a.isHidden === b.isHidden;
}

function deviceTypes(sessions: readonly { device: { type: DeviceType } }[]): DeviceType[] {
  return [...new Set(sessions.map(({ device }) => device.type))].sort();
}

/** The live sessions; without any, what ended last. What ended before was told as gone, and does not come back. */
function countedOf({ sessions, silent, graceMs }: PresenceFacts): SessionRow[] {
  const live = sessions.filter(({ session, endedAt }) => endedAt === null && !silent.has(session));
  if (live.length > 0) return live;
  const over = offlineAt(sessions, graceMs);
  return over === null ? [] : sessions.filter(({ endedAt }) => endedAt === over - graceMs);
}

/** What is said for all sessions comes first; then the strongest of what each says. Nobody active: away. */
function statusOf(row: UserRow, counted: readonly SessionRow[]): SetStatus {
  const said = row.setting?.status ?? strongestOf(counted);
  return said === "online" && isIdle(row, counted) ? "away" : said;
}

function strongestOf(counted: readonly SessionRow[]): SetStatus {
  const said = new Set(counted.map(({ setting }) => setting?.status ?? "online"));
  return STRONGEST_FIRST.find((status) => said.has(status)) ?? "online";
}

function isIdle({ awaySince }: UserRow, counted: readonly SessionRow[]): boolean {
  return awaySince !== null && counted.every(({ connectedAt }) => connectedAt <= awaySince);
}

/** Whose text, emoji and end are shown: the user's for all sessions, else those beside the status that counts. */
function leadingOf(row: UserRow, counted: readonly SessionRow[]): Setting | null {
  if (row.setting !== null) return row.setting;
  const strongest = strongestOf(counted);
  let leading: Setting | null = null;
  for (const { setting } of counted) {
    if (setting === null || (setting.status ?? "online") !== strongest) continue;
    if (leading === null || setting.saidAt >= leading.saidAt) leading = setting;
  }
  return leading;
}

function detailOf(setting: Setting | null): Pick<Presence, "text" | "emoji" | "expiresAt"> {
  if (setting === null) return {};
  const { text, emoji, expiresAt } = setting;
  return { ...(text && { text }), ...(emoji && { emoji }), ...(expiresAt && { expiresAt }) };
}

function lastActiveOf({ row, sessions, activeAt }: PresenceFacts): number | null {
  let last = row.lastActiveAt;
  for (const { connectedAt, endedAt } of sessions) last = Math.max(last ?? 0, endedAt ?? connectedAt);
  return activeAt === undefined || last === null ? last : Math.max(last, activeAt);
}

function toMinute(at: number | null): number | null {
  return at === null ? null : at - (at % MINUTE_MS);
}

/** When the user was last active is no news by itself. */
export function looksSame(a: Presence, b: Presence): boolean {
  const { version: _, lastActiveAt: __, ...one } = a;
  const { version: ___, lastActiveAt: ____, ...other } = b;
  return JSON.stringify(one) === JSON.stringify(other);
}
