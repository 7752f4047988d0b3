import { element } from "./elements.ts";

/** A name to watch. It leaves the field once it is watched. */
export class WatchForm {
  readonly element: HTMLFormElement;
  readonly #name: HTMLInputElement;
  readonly #submit = element("button", { class: "button small" }, "Watch");

  constructor(user: string, watch: (target: string) => Promise<boolean>) {
    const hints = { autocomplete: "off", autocapitalize: "none", spellcheck: "false", placeholder: "Name" };
    const name = { "aria-label": `Whom ${user} watches`, required: "", maxlength: "128" };
    this.#name = element("input", { class: "line", ...name, ...hints });
    this.element = element("form", { class: "watch-form" }, this.#name, this.#submit);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send(watch);
    });
    this.enable(false);
  }

  enable(isOpen: boolean): void {
    this.#submit.disabled = !isOpen;
  }

  async #send(watch: (target: string) => Promise<boolean>): Promise<void> {
    const target = this.#name.value.trim();
    const isWatched = await watch(target);
    if (isWatched && this.#name.value.trim() === target) this.#name.value = "";
  }
}
