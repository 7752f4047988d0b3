import type { Connection, Presence, PresenceChange } from "../client/index.ts";
import { element } from "./elements.ts";
import type { IdentityPanel } from "./identity-panel.ts";
import { readPresence } from "./presence-routes.ts";
import { saidBy, until } from "./presence-words.ts";
import { reasonOf } from "./problem.ts";
import { Question } from "./question.ts";
import { StatusForm } from "./status-form.ts";
import { setStatus, statusMark } from "./status-mark.ts";

/** A status that ended is over at the service too by then. */
const SPARE_MS = 200;
/** Timers count up to 2^31 ms, and fire at once above that. */
const LONGEST_MS = 86_400_000;

export interface StatusPanelHandlers {
  /** Carried out by the card, on what is open of it. Rejects where the service refuses. */
  say(change: PresenceChange): Promise<void>;
  /** All cards of this person show it. */
  said(): void;
}

/** How this person appears to themselves, over all devices; unfolded, it is a form to say something else. */
export class StatusPanel {
  readonly element: HTMLDetailsElement;
  readonly #user: string;
  readonly #identity: IdentityPanel;
  readonly #handlers: StatusPanelHandlers;
  readonly #mark = statusMark(undefined);
  readonly #word = element("span", { class: "status-word" });
  readonly #said = element("span", { class: "status-said" });
  readonly #until = element("span", { class: "status-until" });
  readonly #problem = element("p", { class: "problem", role: "alert" });
  readonly #form: StatusForm;
  readonly #question = new Question(() => this.#read());
  readonly #summary: HTMLElement;
  #connection: Connection | undefined;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  constructor(user: string, identity: IdentityPanel, handlers: StatusPanelHandlers) {
    this.#user = user;
    this.#identity = identity;
    this.#handlers = handlers;
    this.#form = new StatusForm(user, (change) => this.#say(change));
    const line = element("span", { class: "own-status", "aria-live": "polite" });
    line.append(this.#mark, this.#word, this.#said, this.#until);
    const label = element("span", { class: "visually-hidden" }, "Status:");
    this.#summary = element("summary", {}, label, line);
    const attributes = { class: "drawer status-drawer" };
    this.element = element("details", attributes, this.#summary, this.#form.element, this.#problem);
    this.#clear();
  }

  attach(connection: Connection): void {
    this.#connection = connection;
    connection.on("status", ({ name }) => this.#form.enable(name === "open"));
    connection.on("welcome", () => this.refresh());
    connection.on("members", ({ joined, left, changed }) => {
      if ([...joined, ...left, ...changed].some(({ user }) => user === this.#user)) this.refresh();
    });
  }

  detach(): void {
    this.#connection = undefined;
    this.#clear();
  }

  /** Something may have changed how this person appears. */
  refresh(): void {
    if (this.#connection?.state.name === "open") this.#question.put();
  }

  /** Whether it was taken. Never rejects: what goes wrong is shown. */
  async #say(change: PresenceChange): Promise<boolean> {
    try {
      await this.#handlers.say(change);
      this.#problem.textContent = "";
      const hadFocus = this.element.contains(document.activeElement);
      this.element.open = false;
      if (hadFocus) this.#summary.focus();
      this.#handlers.said();
      return true;
    } catch (error) {
      this.#problem.textContent = `Not set: ${reasonOf(error)}`;
      return false;
    }
  }

  /** Never rejects. Who cannot be asked is shown as nothing: the connection itself says what is wrong. */
  async #read(): Promise<void> {
    const connection = this.#connection;
    try {
      const token = await this.#identity.currentToken();
      const presence = await readPresence({ user: this.#user, token });
      if (connection === this.#connection) this.#show(presence);
    } catch {
      if (connection === this.#connection) this.#clear();
    }
  }

  #show(presence: Presence): void {
    const { status, expiresAt } = presence;
    const now = Date.now();
    setStatus(this.#mark, status);
    this.#word.textContent = WORDS[status];
    this.#said.textContent = saidBy(presence);
    this.#until.textContent = until(presence, now);
    this.#form.show(presence);
    clearTimeout(this.#expiry);
    if (expiresAt === undefined) return;
    const leftMs = Math.max(0, Math.min(LONGEST_MS, expiresAt - now));
    this.#expiry = setTimeout(() => this.refresh(), leftMs + SPARE_MS);
  }

  #clear(): void {
    clearTimeout(this.#expiry);
    setStatus(this.#mark, undefined);
    this.#word.textContent = "Status";
    this.#said.textContent = "";
    this.#until.textContent = "";
    this.#form.enable(false);
  }
}

const WORDS = {
  online: "Online",
  away: "Away",
  busy: "Busy",
  invisible: "Invisible",
  offline: "Offline",
} as const satisfies Record<Presence["status"], string>;
