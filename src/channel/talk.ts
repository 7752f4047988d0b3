import type { Settings } from "../config.ts";
import type { Connections } from "../connections/connections.ts";
import type { Duty } from "../objects/due-times.ts";
import type { Clock, Random, Sql, Timers } from "../objects/ports.ts";
import { PublishKeys } from "../objects/publish-keys.ts";
import { CatchUp, type CatchUpRules } from "./log/catch-up.ts";
import { MessageLog } from "./log/message-log.ts";
import { Messages } from "./log/messages.ts";
import type { Members } from "./roster/members.ts";
import { Standing } from "./standing.ts";

/** All that has to do with what is said in a channel, put together: its log, its keys, and who is told of it. */
export class Talk {
  readonly log: MessageLog;
  readonly messages: Messages;
  readonly standing: Standing;
  readonly catchUp: CatchUp;
  /** What the log and its keys keep no longer, and who still reads what it missed. */
  readonly duties: readonly Duty[];
  readonly #keys: PublishKeys;

  constructor(
    ports: { clock: Clock; random: Random; timers: Timers },
    about: { channel: string; settings: Settings; sql: Sql; connections: Connections; members: Members },
    rules: CatchUpRules,
  ) {
    const { channel, settings, sql, connections, members } = about;
    this.log = new MessageLog(channel, { ...ports, sql }, settings);
    this.#keys = new PublishKeys(sql, ports.clock);
    const log = this.log;
    this.catchUp = new CatchUp(ports, { log, connections }, rules);
    const catchUp = this.catchUp;
    const keys = this.#keys;
    this.messages = new Messages(channel, { sql, log, keys, connections, catchUp }, () => rules.due());
    this.standing = new Standing(ports.clock, { channel, settings }, { members, log, catchUp });
    this.duties = [log.retention, keys, catchUp];
  }

  /** Everything said is forgotten: what comes next begins a new epoch. */
  forget(): void {
    this.log.forget();
    this.#keys.forget();
  }
}
