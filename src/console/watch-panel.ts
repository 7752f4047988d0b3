import type { Connection } from "../client/index.ts";
import { element } from "./elements.ts";
import type { IdentityPanel } from "./identity-panel.ts";
import { listWatchers, stopWatching } from "./presence-routes.ts";
import { reasonOf } from "./problem.ts";
import { Question } from "./question.ts";
import { WatchForm } from "./watch-form.ts";
import { WatchList } from "./watch-list.ts";
import { WatcherLine } from "./watcher-line.ts";

/** Who begins to watch, elsewhere, is seen this soon. */
const REFRESH_MS = 2_000;

export interface WatchPanelHandlers {
  /** Whether the person's own connection is there anyway: then folding the drawer ends nothing. */
  keepsOpen: boolean;
  /** Whether the card itself is connected: without that, looking must not make anybody online. */
  isConnected(): boolean;
  /** The person's own connection, opened if there is none. */
  open(): Connection;
  /** It is needed no more. */
  close(): void;
}

/**
 * Whom this person watches, live, and who watches this person. Folded, it asks nothing, and watches nobody where
 * that would take a connection.
 */
export class WatchPanel {
  readonly element: HTMLDetailsElement;
  readonly #user: string;
  readonly #identity: IdentityPanel;
  readonly #handlers: WatchPanelHandlers;
  readonly #list: WatchList;
  readonly #watchers: WatcherLine;
  readonly #form: WatchForm;
  readonly #count = element("span", { class: "count", hidden: "" });
  readonly #none = element("p", { class: "muted" }, "Nobody is watched.");
  readonly #problem = element("p", { class: "problem", role: "alert" });
  readonly #question = new Question(() => this.#read());
  /** Watched again when the drawer is opened again. */
  readonly #wanted = new Set<string>();
  #connection: Connection | undefined;
  #stopHearing: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(user: string, identity: IdentityPanel, handlers: WatchPanelHandlers) {
    this.#user = user;
    this.#identity = identity;
    this.#handlers = handlers;
    this.#list = new WatchList(user, (target) => {
      void this.#attempt(() => this.#stop(target));
    });
    this.#watchers = new WatcherLine();
    this.#form = new WatchForm(user, (target) => this.#attempt(() => this.#watch([target])));
    const body = element("div", { class: "session-body" });
    body.append(this.#form.element, this.#problem, this.#none, this.#list.element, this.#watchers.element);
    const summary = element("summary", {}, "Watching", this.#count);
    this.element = element("details", { class: "drawer" }, summary, body);
    this.element.addEventListener("toggle", () => this.follow());
  }

  /** Opened, folded, connected or lost: brings the connection in line with that. */
  follow(): void {
    const isNeeded = this.element.open || (this.#handlers.keepsOpen && this.#connection !== undefined);
    const isWanted = isNeeded && this.element.isConnected && this.#handlers.isConnected();
    const connection = isWanted ? this.#handlers.open() : undefined;
    if (connection !== this.#connection) {
      this.#leave();
      if (connection === undefined) this.#handlers.close();
      else this.#hear(connection);
    }
    this.#form.enable(connection?.state.name === "open");
    if (isWanted) this.refresh();
  }

  refresh(): void {
    clearTimeout(this.#timer);
    if (this.#isLookedAt) this.#question.put();
  }

  get #isLookedAt(): boolean {
    return (
      this.#connection !== undefined &&
      this.element.checkVisibility() &&
      this.element.open &&
      document.visibilityState === "visible"
    );
  }

  #hear(connection: Connection): void {
    this.#connection = connection;
    this.#stopHearing = [
      connection.on("presence", (presence) => {
        this.#list.show(presence);
        this.#showCount();
      }),
      connection.on("status", (state) => {
        this.#form.enable(state.name === "open");
        if (state.name !== "closed" || state.code === 1000) return;
        this.#list.clear();
        this.#showCount();
        this.#complain(new Error(`Closed: ${state.reason} (${state.code})`));
      }),
      connection.on("error", (error) => this.#complain(error)),
    ];
    if (connection.state.name === "open") this.#watchWanted();
    else {
      const forget = connection.on("welcome", () => {
        forget(); // a reconnect watches again by itself
        this.#watchWanted();
      });
      this.#stopHearing.push(forget);
    }
  }

  #leave(): void {
    clearTimeout(this.#timer);
    for (const stop of this.#stopHearing) stop();
    this.#stopHearing = [];
    this.#connection = undefined;
    this.#list.clear();
    this.#watchers.clear();
    this.#problem.textContent = "";
    this.#showCount();
  }

  #watchWanted(): void {
    if (this.#wanted.size > 0) void this.#attempt(() => this.#watch([...this.#wanted]));
  }

  async #watch(targets: readonly string[]): Promise<void> {
    const presences = await this.#connection?.presence.watch(targets);
    for (const presence of presences ?? []) {
      this.#wanted.add(presence.user);
      this.#list.show(presence);
    }
    this.#showCount();
  }

  /** What this page holds, and what the user holds beyond it. */
  async #stop(target: string): Promise<void> {
    const owner = { user: this.#user, token: await this.#identity.currentToken() };
    await Promise.all([this.#connection?.presence.unwatch([target]), stopWatching(owner, target)]);
    this.#wanted.delete(target);
    this.#list.remove(target);
    this.#showCount();
  }

  /** Answers whether it worked. Never rejects: what goes wrong is shown. */
  async #attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#problem.textContent = "";
      return true;
    } catch (error) {
      this.#complain(error);
      return false;
    }
  }

  #complain(error: unknown): void {
    this.#problem.textContent = reasonOf(error);
  }

  async #read(): Promise<void> {
    try {
      const token = await this.#identity.currentToken();
      const watchers = await listWatchers({ user: this.#user, token });
      if (this.#connection !== undefined) this.#watchers.show(watchers);
    } catch (error) {
      if (this.#connection !== undefined) this.#watchers.complain(error);
    }
    this.#list.tick();
    clearTimeout(this.#timer);
    if (this.#isLookedAt) this.#timer = setTimeout(() => this.refresh(), REFRESH_MS);
  }

  #showCount(): void {
    this.#count.hidden = this.#connection === undefined;
    this.#count.textContent = String(this.#list.size);
    this.#none.hidden = this.#list.size > 0;
  }
}
