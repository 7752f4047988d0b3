import type { Presence, PresenceChange, SetStatus } from "../client/index.ts";
import { element } from "./elements.ts";
import { VisibilityField } from "./visibility-field.ts";

/** Who says nothing is online, or away when nothing happens. */
const STATUSES = [
  ["", "Automatic"],
  ["online", "Online"],
  ["away", "Away"],
  ["busy", "Busy"],
  ["invisible", "Invisible"],
] as const satisfies readonly (readonly [SetStatus | "", string])[];

/** For how many seconds. */
const DURATIONS = [
  ["", "until I change it"],
  ["60", "for 1 minute"],
  ["600", "for 10 minutes"],
  ["3600", "for 1 hour"],
] as const;

const SCOPES = [
  ["session", "on this device"],
  ["user", "everywhere"],
] as const;

/** What a person can say of themselves: everything at once, so that what is left empty is taken back. */
export class StatusForm {
  readonly element: HTMLFormElement;
  readonly #status: HTMLSelectElement;
  readonly #emoji: HTMLInputElement;
  readonly #text: HTMLInputElement;
  readonly #duration = choiceOf("How long", DURATIONS);
  readonly #scope = choiceOf("Where", SCOPES);
  readonly #visibility: VisibilityField;
  readonly #submit = element("button", { class: "button small primary" }, "Set status");
  /** Somebody is filling it in: what comes from the service must not write over that. */
  #isTouched = false;

  /** `say` answers whether the service took it. */
  constructor(user: string, say: (change: PresenceChange) => Promise<boolean>) {
    this.#status = choiceOf(`Status of ${user}`, STATUSES);
    const line = { class: "line", autocomplete: "off" };
    this.#emoji = element("input", { ...line, "aria-label": "Emoji", placeholder: "🙂", maxlength: "64" });
    const hint = { "aria-label": "Status text", placeholder: "What is going on?", maxlength: "256" };
    this.#text = element("input", { ...line, ...hint });
    this.#visibility = new VisibilityField(user);
    this.element = element(
      "form",
      { class: "status-form", "aria-label": `Status of ${user}` },
      element("div", { class: "status-row first" }, this.#status, this.#emoji, this.#text),
      element("div", { class: "status-row" }, this.#duration, this.#scope),
      element("div", { class: "status-row" }, ...this.#visibility.elements, this.#submit),
    );
    this.element.addEventListener("input", () => {
      this.#isTouched = true;
    });
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send(say);
    });
    this.enable(false);
  }

  enable(isOpen: boolean): void {
    this.#submit.disabled = !isOpen;
  }

  /** Begins with what is true, unless somebody is writing. */
  show({ status, emoji = "", text = "" }: Presence): void {
    if (this.#isTouched) return;
    // Online is what is true of who says nothing; to go offline nobody can choose.
    this.#status.value = status === "online" || status === "offline" ? "" : status;
    this.#emoji.value = emoji;
    this.#text.value = text;
  }

  async #send(say: (change: PresenceChange) => Promise<boolean>): Promise<void> {
    const isTaken = await say(this.#change());
    if (!isTaken) return;
    this.#isTouched = false;
    this.#visibility.reset();
  }

  #change(): PresenceChange {
    const status = STATUSES.find(([value]) => value === this.#status.value)?.[0];
    const visibility = this.#visibility.value;
    return {
      status: status || null,
      emoji: this.#emoji.value || null,
      text: this.#text.value || null,
      scope: this.#scope.value === "user" ? "user" : "session",
      ...(this.#duration.value === "" ? {} : { expiresInSeconds: Number(this.#duration.value) }),
      ...(visibility === undefined ? {} : { visibility }),
    };
  }
}

function choiceOf(name: string, choices: readonly (readonly [string, string])[]): HTMLSelectElement {
  const options = choices.map(([value, words]) => element("option", { value }, words));
  return element("select", { "aria-label": name }, ...options);
}
