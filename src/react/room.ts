import type { Channel, ChannelState, Member, Message, RollcallError, Timers } from "../client/index.ts";
import { Cell } from "./cell.ts";
import { MessageList } from "./message-list.ts";
import { refusalOf } from "./refusals.ts";
import { TYPING_STARTED, TYPING_STOPPED } from "./typing-signals.ts";
import { Typists } from "./typists.ts";

/** Who is in a channel. The same object until somebody comes, goes or changes. */
export interface Members {
  /** In the order in which they are known; fewer than `count` in a large channel. */
  members: readonly Member[];
  /** By the service's own count. */
  count: number;
}

/** Before anything is known, and on a server. */
export const JOINING: ChannelState = { name: "joining" };
export const NOBODY: Members = { members: [], count: 0 };
export const NOTHING: readonly Message[] = [];
export const NO_TYPISTS: readonly string[] = [];

export interface RoomSetup {
  timers: Timers;
  channel: Channel;
  /** Another device of this very user. */
  isOwn(user: string): boolean;
  failed(error: RollcallError): void;
}

/** One channel, as all components that show something of it share it. */
export class Room {
  readonly channel: Channel;
  readonly state: Cell<ChannelState>;
  readonly members: Cell<Members>;
  readonly list: MessageList;
  readonly typists: Typists;
  readonly #failed: (error: RollcallError) => void;
  readonly #stops: (() => void)[];

  constructor({ timers, channel, isOwn, failed }: RoomSetup) {
    this.channel = channel;
    this.#failed = failed;
    this.state = new Cell(channel.state);
    this.members = new Cell(membersOf(channel));
    this.typists = new Typists(timers);
    this.list = new MessageList({
      timers,
      history: (options) => channel.history({ ...options, order: "desc" }),
      failed,
    });
    this.list.stands(channel.state.name === "open");
    this.#stops = [
      channel.on("status", (state) => {
        this.state.set(state);
        this.list.stands(state.name === "open");
      }),
      channel.on("members", ({ count, joined, left, changed }) => {
        const isNews = joined.length + left.length + changed.length > 0;
        if (isNews || count !== this.members.get().count) this.members.set(membersOf(channel));
        for (const { user } of left) this.typists.stopped(user);
      }),
      // Offsets begin anew with a log that was deleted; else those that are lost leave a hole.
      channel.on("gap", ({ from }) => {
        if (from === 1) this.list.clear();
      }),
      channel.on("message", (message) => {
        this.list.heard(message);
        if (message.from !== undefined) this.typists.stopped(message.from.user);
      }),
      channel.on("signal", ({ event, from }) => {
        if (from === undefined || isOwn(from.user)) return;
        if (event === TYPING_STARTED) this.typists.started(from.user);
        if (event === TYPING_STOPPED) this.typists.stopped(from.user);
      }),
    ];
  }

  /** Nobody shows anything of it any more. */
  end(): void {
    for (const stop of this.#stops) stop();
    this.list.end();
    this.typists.end();
    this.channel.leave().catch((cause: unknown) => this.#failed(refusalOf(cause).error));
  }
}

function membersOf({ members, count }: Channel): Members {
  return { members: [...members.values()], count };
}
