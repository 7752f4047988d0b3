import { registerHooks } from "node:module";

interface Mutant {
  /** The end of the file's path. */
  file: string;
  find: string;
  replace: string;
  /** What the failure says that it makes. */
  breaks: RegExp;
  /** Of the twenty seeds that look for it, where the first twenty of all have no world that shows it. */
  firstSeed?: number;
}

/** Faults that each break one promise. A simulator that does not find them proves nothing by finding none. */
export const MUTANTS: Record<string, Mutant> = {
  "user-never-reconciles": {
    file: "src/user/rooms.ts",
    find: "    this.endings.reconcile();\n",
    replace: "",
    breaks: /no ghost/,
  },
  "channel-never-reconciles": {
    file: "src/channel/rooms.ts",
    find: "    this.endings.reconcile();\n",
    replace: "",
    breaks: /no ghost/,
  },
  "user-admits-the-dead": {
    file: "src/user/presence/sessions.ts",
    find: "return over || isBuried(tombstones, session)",
    replace: "return over",
    breaks: /no ghost/,
  },
  "debts-are-tried-once": {
    file: "src/objects/outbox.ts",
    find: "    this.#start(due, ",
    replace: "    void ((..._: unknown[]) => {})(due, ",
    breaks: /no ghost|never heard|still carries/,
  },
  "alarm-is-never-set": {
    file: "src/objects/due-times.ts",
    find: "    alarm.set(next);\n",
    replace: "",
    breaks: /alarm alive/,
  },
  "directory-lists-who-is-gone": {
    file: "src/directory/directory.ts",
    find: 'const goneAt = presence.status === "offline" ? this.#clock.now() : null;',
    replace: "const goneAt = null;",
    breaks: /directory: \w+ is listed/,
  },
  "pings-are-not-heard": {
    file: "src/connections/connection.ts",
    find: "return Math.max(this.#heardAt, this.state.heardAt, this.socket.pingedAt() ?? 0);",
    replace: "return Math.max(this.#heardAt, this.state.heardAt);",
    breaks: /no false offline|though it was alive/,
  },
  "channel-skips-an-offset": {
    file: "src/channel/log/message-log.ts",
    find: "const offset = this.top + 1;",
    replace: "const offset = this.top + (this.top === 20 ? 2 : 1);",
    breaks: /came after|has the offsets/,
  },
  "user-admits-the-revoked": {
    file: "src/user/presence/sessions.ts",
    find: "const refused = this.refusalOf(issuedAt, ticket, session);",
    replace: "const refused = this.refusalOf(Number.POSITIVE_INFINITY, ticket, session);",
    breaks: /revoked for good/,
  },
  "user-admits-the-second-of-a-revocation": {
    file: "src/user/presence/sessions.ts",
    find: "issuedAt <= revokedBefore",
    replace: "issuedAt < revokedBefore",
    breaks: /revoked for good/,
  },
  "user-forgets-tickets-with-their-rows": {
    file: "src/user/presence/tombstones.ts",
    find: "ticketId === undefined ? [session] : [session, ticketId]",
    replace: "ticketId === undefined ? [session] : [session]",
    breaks: /tickets once/,
  },
  "user-replaces-the-newest": {
    file: "src/user/presence/sessions.ts",
    find: "live.slice(0, Math.max(0, live.length + 1 - this.#settings.MAX_SESSIONS_PER_USER))",
    replace: "live.slice(Math.min(live.length, this.#settings.MAX_SESSIONS_PER_USER - 1))",
    breaks: /limit/,
  },
  "erasing-keeps-when-they-were-last-there": {
    file: "src/user/presence/sessions.ts",
    find: "this.#standing.erase(row);",
    replace: "this.#standing.erase({ ...row, lastActiveAt: this.#clock.now() });",
    breaks: /erased/,
  },
  "ends-go-by-user": {
    file: "src/user/presence/sessions.ts",
    find: "const known = all.find((row) => row.session === session);",
    replace:
      "const known = all.find((row) => row.session === session) ?? all.find((row) => row.endedAt === null);",
    breaks: /no ghost|no false offline/,
    firstSeed: 41,
  },
  "removal-forgets-renewals": {
    file: "src/channel/rooms.ts",
    find: "const refused = this.removals.refusalOf({ user, issuedAt: request.issuedAt });",
    replace: "const refused = this.removals.refusalOf(undefined);",
    breaks: /renewed with a token/,
    firstSeed: 21,
  },
  "grace-is-over-at-once": {
    file: "src/user/presence/presence.ts",
    find: "return last === null ? null : last + graceMs;",
    replace: "return last;",
    breaks: /grace:/,
  },
  "watchers-believe-older-notices": {
    file: "src/user/watching/shown.ts",
    find: "if (known !== undefined && notice.order <= known.order && !isAnew(notice, known)) return;",
    replace: "",
    breaks: /versions of .* went back/,
  },
  "hiding-tells-nobody": {
    file: "src/user/watching/notices.ts",
    find: "isHidden !== this.#view.isHiddenFrom(watcher)",
    replace: "false",
    breaks: /was told of/,
  },
  "rosters-are-told-once": {
    file: "src/user/roster-tells.ts",
    find: "for (const channel of stayed) this.#debts.owe(channel, version, dueAt);",
    replace: "for (const channel of stayed) void this.#tell(channel).catch(() => {});",
    breaks: /rosters:/,
  },
  "one-device-is-done-for-all": {
    file: "src/user/inbox/devices.ts",
    find: "Math.min(...holding.map(({ acked }) => acked))",
    replace: "Math.max(...holding.map(({ acked }) => acked))",
    breaks: /was never told/,
  },
  "inbox-forgets-keys": {
    file: "src/user/inbox/inbox.ts",
    find: "if (once !== undefined) this.#keys.remember({ ...request, once }, { offset: seq, at });",
    replace: "",
    breaks: /was sent under a key/,
  },
  "inbox-gives-a-number-twice": {
    file: "src/user/inbox/inbox.ts",
    find: "if (row !== undefined && this.latest < latest) this.#row.write({ ...row, latest });",
    replace: "",
    breaks: /inbox: .* (is .*, and was|and is back at)/,
  },
  "inbox-keeps-what-all-have": {
    file: "src/user/inbox/inbox.ts",
    find: "      this.#devices.acknowledge(device, reached);\n      this.#deleteAcknowledged();\n",
    replace: "      this.#devices.acknowledge(device, reached);\n",
    breaks: /all devices are done with/,
  },
  "inbox-goes-on-from-the-end": {
    file: "src/user/inbox/delivery.ts",
    find: "    this.fill(connection);\n  }\n\n  /** The connection is on another",
    replace:
      "    connection.update({ sentSeq: this.#inbox.latest });\n  }\n\n  /** The connection is on another",
    breaks: /was never told/,
  },
  "removal-keeps-the-grace": {
    file: "src/objects/session.ts",
    find: '  "removed",\n  "erased",',
    replace: '  "erased",',
    breaks: /is a member of/,
  },
  "removal-spares-who-just-ended": {
    file: "src/connections/kept/endings.ts",
    find: "    this.#sessions.endGrace(user);\n",
    replace: "",
    breaks: /is a member of/,
  },
  "recovery-skips-one": {
    file: "src/channel/log/message-log.ts",
    find: "if (isTold(stored, now, reader, events)) {",
    replace: "if (stored.offset === from + 2) continue;\n      if (isTold(stored, now, reader, events)) {",
    breaks: /recovery: offset/,
  },
  "gaps-pass-unnoticed": {
    file: "src/user/subscriptions/reader.ts",
    find: "(isLate ? top : prev) > at.offset) return true;",
    replace: "(isLate ? top : prev) > at.offset) return false;",
    breaks: /subscription: (offset|told of)/,
  },
  "rosters-are-missed-unnoticed": {
    file: "src/user/subscriptions/reader.ts",
    find: "return isOtherRoster && this.#mayHearRoster;",
    replace: "return false;",
    breaks: /subscription: told of|rosters:/,
  },
  "late-subscriptions-stay": {
    file: "src/channel/talk.ts",
    find: "if (sessions.live(session)?.order === order) rules.gone(session);",
    replace: "void order;",
    breaks: /no ghost|is a member of/,
  },
  "renewal-keeps-the-expiry": {
    file: "src/connections/renewals.ts",
    find: "connection.update({ claims });",
    replace: "connection.update({ claims: { ...claims, exp: connection.state.claims.exp } });",
    breaks: /closed with 4001|expiry/,
  },
  "renewal-is-not-watched": {
    file: "src/connections/sweep.ts",
    find: "this.#earlyAt = Math.min(this.#earlyAt, this.#connections.expiryOf(connection));",
    replace: "",
    breaks: /expiry/,
  },
  "broadcast-moves-on-before-it-has-told": {
    file: "src/directory/broadcasts.ts",
    find: "    const end = await this.#leg.walk(Math.min(LANES, names.length));\n",
    replace:
      "    this.#jobs.delete(job.id);\n    const end = await this.#leg.walk(Math.min(LANES, names.length));\n",
    breaks: /broadcast: \w+ on \w+ \w+ never heard/,
  },
  "broadcast-forgets-who-did-not-answer": {
    file: "src/directory/broadcasts.ts",
    find: "      for (const user of missed) this.#debts.owe(id, user, dueAt);\n",
    replace: "",
    breaks: /broadcast: \w+ on \w+ \w+ never heard/,
    firstSeed: 3,
  },
  "sessions-forget-broadcasts": {
    file: "src/connections/broadcasts.ts",
    find: "  connection.update({ broadcasts: [...connection.state.broadcasts, id].slice(-REMEMBERED) });\n",
    replace: "",
    breaks: /broadcast: heard \S+ twice/,
  },
  "relays-are-told-once": {
    file: "src/channel/subscribers/forwarding.ts",
    find: "    for (const target of targets) this.#debts.owe(target, this.#ports.clock.now() + FIRST_RETRY_MS);\n",
    replace: "",
    breaks: /promptness:/,
  },
  "branches-forget-their-head": {
    file: "src/relay/relay.ts",
    find: "    this.#hearing.push(push);\n",
    replace: "    if (push.rest.length === 0) this.#hearing.push(push);\n",
    breaks: /promptness: \w+ on a relay/,
  },
  "branches-end-at-their-head": {
    file: "src/relay/carrying.ts",
    find: "const branches = fanOut(push.rest, FAN_OUT_WIDTH);",
    replace: "const branches = fanOut([], FAN_OUT_WIDTH);",
    breaks: /promptness: \w+ on a relay/,
  },
  "relays-ignore-gaps": {
    file: "src/relay/repairs.ts",
    find: "    if (this.#isBehind && !this.#isReading) this.#ports.background.run(this.#read());\n",
    replace: "",
    breaks: /promptness: \w+ on a relay|no gap: \w+ has read/,
  },
  "relays-welcome-before-they-are-there": {
    file: "src/relay/stands.ts",
    find: "if (start.reached === feed.at.offset) return true;",
    replace: "if (start.reached !== -1) return true;",
    breaks: /offset \d+ came after/,
  },
  "relays-forget-where-they-stand": {
    file: "src/relay/remembering.ts",
    find: "connection.update({ relayed:",
    replace: "void ({ relayed:",
    breaks: /its place is not known/,
  },
  "relays-take-everybody": {
    file: "src/relay/relay.ts",
    find: "if (this.#sessions.liveSize >= this.#settings.RELAY_CAPACITY) return { relays: [] };",
    replace: "",
    breaks: /limit: relay/,
  },
  "silent-relays-are-believed": {
    file: "src/channel/relays/leases.ts",
    find: "      this.#ports.background.run(this.#call(relay));\n",
    replace: "",
    breaks: /no ghost/,
  },
  "whole-reports-remove-nobody": {
    file: "src/channel/relays/relay-members.ts",
    find: ".filter((user) => !there.has(user));",
    replace: ".filter((user) => there.size < 0 && !there.has(user));",
    breaks: /no ghost|is a member of/,
  },
  "relays-bring-back-who-was-removed": {
    file: "src/channel/relays/relays.ts",
    find: "return !this.#sendingAway.isUnderWay(relay, user) && ",
    replace: "return ",
    breaks: /is a member of/,
  },
  "user-waits-for-a-channel-in-admit": {
    file: "src/user/user.ts",
    find: "    return this.#rooms.admissions.admit(request);\n",
    replace:
      '    await this.#ports.objects.channel("hall").summary();\n    return this.#rooms.admissions.admit(request);\n',
    breaks: /a circular wait/,
  },
};

/** Loads the named file with the fault in it. Throws where the text is no longer there to be replaced. */
export function breakOnLoad(name: string): void {
  const mutant = MUTANTS[name];
  if (mutant === undefined)
    throw new Error(`no mutant ${name}; there are ${Object.keys(MUTANTS).join(", ")}`);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(mutant.file)) return loaded;
      const text = String(loaded.source);
      if (!text.includes(mutant.find)) throw new Error(`${mutant.file} no longer holds what ${name} breaks`);
      return { ...loaded, source: text.replace(mutant.find, mutant.replace) };
    },
  });
}
