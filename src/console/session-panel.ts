import type { Connection, Session } from "../client/index.ts";
import { element } from "./elements.ts";
import type { IdentityPanel } from "./identity-panel.ts";
import { RequestProblem, reasonOf } from "./problem.ts";
import { SessionList } from "./session-list.ts";
import { endAllSessions, endSession, listSessions, type Owner, revokeTokens } from "./session-routes.ts";

/** What happens elsewhere, on other devices, is seen this soon. */
const REFRESH_MS = 2_000;

export interface SessionPanelHandlers {
  /** The session of this very card, where it has one now. */
  ownSession(): string | undefined;
  /** One more connection of this person, to no channel. */
  openOwn(): void;
  /** The token is refused: get a fresh one, and connect with it. */
  connectAnew(): void;
}

/** Where else this person is connected, live, and how to end it. Closed or hidden, it asks nothing. */
export class SessionPanel {
  readonly element: HTMLDetailsElement;
  readonly #user: string;
  readonly #identity: IdentityPanel;
  readonly #handlers: SessionPanelHandlers;
  readonly #list: SessionList;
  readonly #count = element("span", { class: "count", hidden: "" });
  readonly #none = element("p", { class: "muted", hidden: "" }, "No live session.");
  readonly #unread = element("p", { class: "problem", role: "alert" });
  /** What a button could not do stays until the next one is pressed. */
  readonly #undone = element("p", { class: "problem", role: "alert" });
  readonly #anew = button("Connect with a fresh token");
  readonly #live: HTMLElement;
  readonly #refused: HTMLElement;
  readonly #why = element("p", { role: "status" });
  #refusedToken: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  #isAskedAgain = false;

  constructor(user: string, identity: IdentityPanel, handlers: SessionPanelHandlers) {
    this.#user = user;
    this.#identity = identity;
    this.#handlers = handlers;
    this.#list = new SessionList(user, (session) => {
      void this.#change("Not ended", (owner) => endSession(owner, session));
    });
    this.#live = element("div", { class: "session-body" }, this.#list.element, this.#none, this.#actions());
    this.#refused = element("div", { class: "session-body", hidden: "" }, this.#why, this.#anew);
    this.#anew.addEventListener("click", () => handlers.connectAnew());
    const summary = element("summary", {}, "Sessions", this.#count);
    this.element = element(
      "details",
      { class: "drawer" },
      summary,
      this.#unread,
      this.#undone,
      this.#live,
      this.#refused,
    );
    this.element.addEventListener("toggle", () => this.refresh());
  }

  attach(connection: Connection): void {
    connection.on("members", () => this.refresh());
  }

  /** Asks now, where anybody looks. Something may have changed. */
  refresh(): void {
    clearTimeout(this.#timer);
    if (!this.element.open) this.#count.hidden = true;
    if (!this.#isLookedAt) return;
    // One question at a time: the answer to an older one would undo the newer.
    if (this.#isAsking) this.#isAskedAgain = true;
    else void this.#read();
  }

  get #isLookedAt(): boolean {
    return this.element.open && this.element.checkVisibility() && document.visibilityState === "visible";
  }

  #actions(): HTMLElement {
    const own = button("+ Own connection");
    own.setAttribute("aria-label", "Open own connection");
    own.addEventListener("click", () => this.#handlers.openOwn());
    const endAll = button("End all");
    endAll.addEventListener("click", () => {
      void this.#change("Not ended", endAllSessions);
    });
    const revoke = button("Revoke tokens");
    revoke.addEventListener("click", () => {
      void this.#change("Not revoked", async (owner) => {
        await revokeTokens(owner);
        this.#identity.noteRevocation();
      });
    });
    return element("div", { class: "session-actions" }, own, endAll, revoke);
  }

  /** Never rejects: what goes wrong is shown, and asked again later. */
  async #read(): Promise<void> {
    this.#isAsking = true;
    await this.#attempt(this.#unread, "Sessions not read", async (owner) => {
      if (owner.token !== this.#refusedToken) this.#showLive(await listSessions(owner));
    });
    this.#isAsking = false;
    const isAskedAgain = this.#isAskedAgain;
    this.#isAskedAgain = false;
    if (isAskedAgain) this.refresh();
    else if (this.#isLookedAt) this.#timer = setTimeout(() => this.refresh(), REFRESH_MS);
  }

  async #change(failure: string, change: (owner: Owner) => Promise<void>): Promise<void> {
    await this.#attempt(this.#undone, failure, change);
    this.refresh();
  }

  /** Does it with the token of this card, and says in `problem` what went wrong. */
  async #attempt(
    problem: HTMLElement,
    failure: string,
    work: (owner: Owner) => Promise<void>,
  ): Promise<void> {
    let token: string | undefined;
    try {
      token = await this.#identity.currentToken();
      await work({ user: this.#user, token });
      say(problem, "");
    } catch (error) {
      const isRefused = error instanceof RequestProblem && error.code.startsWith("token_");
      if (isRefused && token !== undefined) this.#showRefused(token, error);
      else say(problem, `${failure}: ${reasonOf(error)}`);
    }
  }

  #showLive(sessions: readonly Session[]): void {
    this.#swap(this.#live, this.#refused);
    this.#refusedToken = undefined;
    this.#list.show(sessions, this.#handlers.ownSession());
    this.#none.hidden = sessions.length > 0;
    this.#count.textContent = String(sessions.length);
    this.#count.hidden = false;
  }

  #showRefused(token: string, { code, message }: RequestProblem): void {
    this.#refusedToken = token;
    if (code === "token_revoked") this.#identity.noteRevocation();
    say(this.#unread, "");
    say(this.#undone, "");
    this.#count.hidden = true;
    this.#why.textContent = `The token of this card is refused: ${message} (${code}).`;
    this.#swap(this.#refused, this.#live);
  }

  /** The focus goes along where it was inside. */
  #swap(shown: HTMLElement, hidden: HTMLElement): void {
    const hadFocus = hidden.contains(document.activeElement);
    shown.hidden = false;
    hidden.hidden = true;
    if (hadFocus) shown.querySelector("button")?.focus();
  }
}

/** Once, not at each refresh: it is read out. */
function say(problem: HTMLElement, words: string): void {
  if (problem.textContent !== words) problem.textContent = words;
}

function button(words: string): HTMLButtonElement {
  return element("button", { class: "button small", type: "button" }, words);
}
