import { element } from "./elements.ts";
import { type Story, secondsIn, standing } from "./fault-story.ts";

/** A fault of one card, step by step, with what holds right now. */
export class StoryList {
  readonly element = element("ol", { class: "story", hidden: "" });
  readonly #now = element("li", { class: "standing" });
  #story: Story | undefined;
  #shown = 0;

  constructor(user: string) {
    this.element.setAttribute("aria-label", `What came of it, for ${user}`);
  }

  /** Adds the steps that are new. */
  show(story: Story | undefined, witness: string | undefined, now: number): void {
    this.element.hidden = story === undefined;
    if (story === undefined) return;
    if (story.begunAt !== this.#story?.begunAt) {
      this.element.replaceChildren();
      this.#shown = 0;
    }
    this.#story = story;
    this.element.append(...story.steps.slice(this.#shown).map(({ words, afterMs }) => row(words, afterMs)));
    this.#shown = story.steps.length;
    const words = standing(story, witness);
    if (words === "") this.#now.remove();
    else {
      this.#now.replaceChildren(...row(words, now - story.begunAt).childNodes);
      this.element.append(this.#now);
    }
  }
}

function row(words: string, afterMs: number): HTMLElement {
  const time = element("span", { class: "after" }, afterMs === 0 ? "0 s" : secondsIn(afterMs));
  return element("li", {}, time, element("span", {}, words));
}
