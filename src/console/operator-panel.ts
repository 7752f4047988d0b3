import { element } from "./elements.ts";
import { reasonOf } from "./problem.ts";
import { Question } from "./question.ts";

/** One part of the operator's view: a heading, a body, and what goes wrong with it. */
export class OperatorPanel {
  readonly element: HTMLElement;
  readonly body = element("div", { class: "panel-body" });
  readonly #problem = element("p", { class: "problem", role: "alert" });
  readonly #question: Question;

  /** `read` fills the body; it is asked by `refresh`, one at a time. */
  constructor(title: string, read: () => Promise<void>, ...besideTitle: HTMLElement[]) {
    const id = `panel-${title.toLowerCase().replaceAll(" ", "-")}`;
    const head = element("div", { class: "panel-head" }, element("h3", { id }, title), ...besideTitle);
    const about = { class: "panel", "aria-labelledby": id };
    this.element = element("section", about, head, this.#problem, this.body);
    this.#question = new Question(() => this.attempt(read));
  }

  refresh(): void {
    this.#question.put();
  }

  /** Never rejects: what goes wrong is shown. */
  async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.say("");
    } catch (error) {
      this.say(reasonOf(error));
    }
  }

  /** Once, not at each refresh: it is read out. */
  say(words: string): void {
    if (this.#problem.textContent !== words) this.#problem.textContent = words;
  }
}

/** A small button of a panel. */
export function panelButton(words: string, name: string, press: () => void): HTMLButtonElement {
  const made = element("button", { class: "button small", type: "button", "aria-label": name }, words);
  made.addEventListener("click", press);
  return made;
}

/** Makes the children anew only where they would differ: the focus and a screen reader stay where they are. */
export function replaceIfNew(parent: HTMLElement, made: HTMLElement[]): void {
  const [old, now] = [[...parent.children], made].map((rows) => rows.map((row) => row.outerHTML).join());
  if (old !== now) parent.replaceChildren(...made);
}
