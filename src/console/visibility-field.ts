import type { Visibility } from "../client/index.ts";
import { element } from "./elements.ts";

const CHOICES = [
  ["", "Seen as before"],
  ["everyone", "Seen by everyone"],
  ["nobody", "Seen by nobody"],
  ["except", "Seen by all but…"],
  ["only", "Seen only by…"],
] as const;

/**
 * Who may see a person. What holds now the service does not tell, so that nothing is sent until something is
 * chosen.
 */
export class VisibilityField {
  readonly elements: readonly HTMLElement[];
  readonly #choice: HTMLSelectElement;
  readonly #names: HTMLInputElement;

  constructor(user: string) {
    const options = CHOICES.map(([value, words]) => element("option", { value }, words));
    this.#choice = element("select", { "aria-label": `Who sees ${user}` }, ...options);
    const hints = {
      placeholder: "ben, cid",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
    };
    this.#names = element("input", {
      class: "line",
      "aria-label": "Names, with commas",
      hidden: "",
      ...hints,
    });
    this.#choice.addEventListener("change", () => this.#unfold());
    this.elements = [this.#choice, this.#names];
  }

  /** What is chosen; `undefined` leaves it as it is. */
  get value(): Visibility | undefined {
    const choice = this.#choice.value;
    if (choice === "everyone" || choice === "nobody") return choice;
    const names = this.#names.value.split(/[\s,]+/).filter((name) => name !== "");
    if (choice === "except") return { except: names };
    return choice === "only" ? { only: names } : undefined;
  }

  /** The service has taken it: said once is enough. */
  reset(): void {
    this.#choice.value = "";
    this.#names.value = "";
    this.#names.hidden = true;
  }

  #unfold(): void {
    this.#names.hidden = !["except", "only"].includes(this.#choice.value);
    if (!this.#names.hidden) this.#names.focus();
  }
}
