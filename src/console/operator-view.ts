import { element } from "./elements.ts";
import { OperatorChannels } from "./operator-channels.ts";
import { healthPanel, lettersPanel } from "./operator-health.ts";
import { OperatorPanel } from "./operator-panel.ts";
import { readCounts } from "./operator-routes.ts";
import { OperatorSessions } from "./operator-sessions.ts";
import { reasonOf } from "./problem.ts";
import { Sparkline } from "./sparkline.ts";

const REFRESH_MS = 2_000;

/** The service behind an API key. The key is held by this object alone: in no address, no storage, no attribute. */
export class OperatorView {
  readonly element: HTMLElement;
  #key: string | undefined;
  readonly #field = element("input", {
    class: "line",
    id: "api-key",
    type: "password",
    required: "",
    autocomplete: "off",
    placeholder: "One of API_KEYS",
  });
  readonly #problem = element("p", { class: "problem", role: "alert" });
  readonly #form: HTMLFormElement;
  readonly #inside: HTMLElement;
  readonly #forget = element(
    "button",
    { class: "button small", type: "button", hidden: "" },
    "Forget the key",
  );
  readonly #charts = [
    new Sparkline("Users online"),
    new Sparkline("Sessions"),
    new Sparkline("Channels"),
  ] as const;
  readonly #service: OperatorPanel;
  readonly #channels: OperatorChannels;
  readonly #sessions: OperatorSessions;
  readonly #rare: readonly OperatorPanel[];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const key = () => this.#key ?? "";
    this.#form = this.#makeForm();
    this.#service = new OperatorPanel("Service", async () => this.#showCounts(await readCounts(key())));
    this.#service.body.append(
      element("div", { class: "figures" }, ...this.#charts.map((chart) => chart.element)),
    );
    this.#channels = new OperatorChannels(key);
    this.#sessions = new OperatorSessions(key);
    this.#rare = [healthPanel(key), lettersPanel(key)];
    const { list, detail } = this.#channels;
    const panels = [this.#service, list, detail, this.#sessions.panel, ...this.#rare];
    this.#inside = element("div", { class: "panels", hidden: "" }, ...panels.map((panel) => panel.element));
    this.#forget.addEventListener("click", () => this.#leave());
    const heading = element("h2", { id: "operator-heading", tabindex: "-1" }, "Operator");
    this.element = element(
      "section",
      { class: "view", "aria-labelledby": "operator-heading" },
      element("div", { class: "view-head" }, heading, this.#forget),
      this.#form,
      this.#inside,
    );
  }

  /** The view is looked at, or no longer; `path` is what the address says after its name: `channels/lobby`, `users/ann`. */
  show(path: readonly string[]): void {
    const [kind, name] = path;
    if (kind === "channels") this.#channels.choose(name);
    if (kind === "users") this.#sessions.choose(name);
    this.#refresh();
  }

  #makeForm(): HTMLFormElement {
    const label = element("label", { for: "api-key" }, "API key");
    const row = element(
      "div",
      { class: "watch-form" },
      this.#field,
      element("button", { class: "button small primary" }, "Use key"),
    );
    const about =
      "It stays in the memory of this page, and is gone with it. In local development it stands in .dev.vars.";
    const words = element("p", { class: "muted" }, about);
    const form = element(
      "form",
      { class: "key-form", "aria-label": "API key" },
      label,
      row,
      this.#problem,
      words,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#enter(this.#field.value);
    });
    return form;
  }

  /** Never rejects: a key that is none is told. */
  async #enter(key: string): Promise<void> {
    try {
      const counts = await readCounts(key);
      this.#key = key;
      this.#field.value = "";
      this.#problem.textContent = "";
      this.#unlock(true);
      this.#showCounts(counts);
      for (const panel of this.#rare) panel.refresh();
      this.#refresh();
      this.element.querySelector("h2")?.focus();
    } catch (error) {
      this.#problem.textContent = `Not taken: ${reasonOf(error)}`;
    }
  }

  #leave(): void {
    this.#key = undefined;
    clearTimeout(this.#timer);
    this.#unlock(false);
    this.#field.focus();
  }

  #unlock(isOpen: boolean): void {
    this.#form.hidden = isOpen;
    this.#inside.hidden = !isOpen;
    this.#forget.hidden = !isOpen;
  }

  #refresh(): void {
    clearTimeout(this.#timer);
    if (this.#key === undefined || !this.element.checkVisibility()) return;
    if (document.visibilityState === "visible") {
      this.#service.refresh();
      this.#channels.refresh();
      this.#sessions.refresh();
    }
    this.#timer = setTimeout(() => this.#refresh(), REFRESH_MS);
  }

  #showCounts({
    usersOnline,
    sessions,
    channels,
  }: {
    usersOnline: number;
    sessions: number;
    channels: number;
  }): void {
    const [users, open, occupied] = this.#charts;
    users.push(usersOnline);
    open.push(sessions);
    occupied.push(channels);
  }
}
