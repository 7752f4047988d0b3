import { element } from "./elements.ts";
import { OperatorPanel, panelButton } from "./operator-panel.ts";
import { SessionList } from "./session-list.ts";
import { endAllSessions, endSession, listSessions, revokeTokens } from "./session-routes.ts";

/** The sessions of one user, each to be ended, and the tokens to be revoked. */
export class OperatorSessions {
  readonly panel: OperatorPanel;
  readonly #key: () => string;
  readonly #name = element("input", {
    class: "line",
    "aria-label": "User",
    placeholder: "User",
    required: "",
    maxlength: "128",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
  });
  readonly #none = element("p", { class: "muted" });
  readonly #box = element("div");
  readonly #actions: HTMLElement;
  #list: SessionList | undefined;
  #user: string | undefined;

  constructor(key: () => string) {
    this.#key = key;
    const submit = element("button", { class: "button small" }, "Show");
    const form = element(
      "form",
      { class: "watch-form", "aria-label": "Sessions of a user" },
      this.#name,
      submit,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      location.hash = `#operator/users/${encodeURIComponent(this.#name.value.trim())}`;
    });
    this.panel = new OperatorPanel("Sessions", () => this.#read(), form);
    const endAll = panelButton("End all", "End all sessions of this user", () =>
      this.#change(endAllSessions),
    );
    const revoke = panelButton("Revoke tokens", "Revoke tokens of this user", () =>
      this.#change(revokeTokens),
    );
    this.#actions = element("div", { class: "session-actions", hidden: "" }, endAll, revoke);
    this.panel.body.append(this.#none, this.#box, this.#actions);
    this.choose(undefined);
  }

  /** Shows this user's, or nobody's. */
  choose(user: string | undefined): void {
    if (user === this.#user && user !== undefined) return;
    this.#user = user;
    this.#list = undefined;
    this.#box.replaceChildren();
    this.panel.say("");
    this.#actions.hidden = user === undefined;
    this.#none.hidden = false;
    this.#none.textContent = user === undefined ? "Whose sessions? Name a user, or choose a member." : "";
    if (user === undefined) return;
    this.#name.value = user;
    const end = (session: string) => this.#change((owner) => endSession(owner, session));
    this.#list = new SessionList(user, end);
    this.#box.append(this.#list.element);
  }

  refresh(): void {
    if (this.#user !== undefined) this.panel.refresh();
  }

  #change(work: (owner: { user: string; token: string }) => Promise<void>): void {
    const user = this.#user;
    if (user === undefined) return;
    void this.panel.attempt(() => work({ user, token: this.#key() })).then(() => this.panel.refresh());
  }

  async #read(): Promise<void> {
    const user = this.#user;
    if (user === undefined) return;
    const sessions = await listSessions({ user, token: this.#key() });
    if (user !== this.#user) return;
    this.#list?.show(sessions, undefined);
    this.#none.textContent = sessions.length === 0 ? `${user} has no live session.` : "";
    this.#none.hidden = sessions.length > 0;
  }
}
