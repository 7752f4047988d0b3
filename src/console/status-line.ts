import type { ConnectionState } from "../client/index.ts";
import { element } from "./elements.ts";

/** How one person's connection stands, in a dot and a few words. */
export class StatusLine {
  readonly element: HTMLElement;
  readonly #text = element("span");

  constructor() {
    this.element = element(
      "p",
      { class: "status", role: "status" },
      element("span", { class: "dot", "aria-hidden": "true" }),
      this.#text,
    );
    this.show(undefined);
  }

  /** Shows a state; without one nobody has connected yet. */
  show(state: ConnectionState | undefined): void {
    this.element.dataset.state = state?.name ?? "closed";
    this.#text.textContent = state === undefined ? "Not connected" : wordsFor(state);
    this.element.title = state?.name === "open" ? `session ${state.session}` : "";
  }
}

function wordsFor(state: ConnectionState): string {
  switch (state.name) {
    case "connecting":
      return state.failures === 0 ? "Connecting" : `Connecting, attempt ${state.failures + 1}`;
    case "open":
      return "Connected";
    case "waiting":
      return `Reconnecting: ${explain(state)}`;
    case "closed":
      return state.code === 1000 ? "Not connected" : `Closed: ${explain(state)}`;
  }
}

function explain({ code, reason }: { code: number; reason: string }): string {
  return reason === "" ? String(code) : `${reason} (${code})`;
}
