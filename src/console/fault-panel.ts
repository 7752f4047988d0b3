import { element } from "./elements.ts";
import { FaultLine } from "./fault-line.ts";
import { beginStory, type Fault, goOn, type Story, type StoryEvent } from "./fault-story.ts";
import { reasonOf } from "./problem.ts";
import { StoryList } from "./story-list.ts";

/** For how long a cut lasts, in seconds: within the usual grace, beyond it, and as long as one likes. */
const CUTS = [
  ["3", "for 3 s"],
  ["10", "for 10 s"],
  ["", "until I say"],
] as const;
/** What holds right now is looked at so often while a fault goes on. */
const LOOK_MS = 200;
/** The attempt that the fault held up has to fail first; after that nobody has to wait for a backoff. */
const HURRY_AFTER_MS = [0, 300, 1_000] as const;

export interface FaultHandlers {
  /** Ends the session of this card through the HTTP route. Rejects where the service refuses. */
  evict(): Promise<void>;
  /** The line is back: nothing has to wait any longer. */
  hurry(): void;
  /** Somebody on this page who still sees the person. */
  witness(): string | undefined;
  /** A step of the story, for the feed. */
  told(words: string): void;
}

/** Buttons that break the connection of one card on purpose, and the story of what comes of it. */
export class FaultPanel {
  readonly element: HTMLElement;
  readonly line: FaultLine;
  readonly #handlers: FaultHandlers;
  readonly #cut = button("Cut my connection");
  readonly #length = element("select", { "aria-label": "How long a cut lasts" });
  readonly #silence = button("Go silent");
  readonly #evict = button("Evict");
  readonly #restore = button("Back to normal");
  readonly #problem = element("p", { class: "problem", role: "alert" });
  readonly #list: StoryList;
  #story: Story | undefined;
  #isConnected = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #look: ReturnType<typeof setInterval> | undefined;

  constructor(user: string, handlers: FaultHandlers) {
    this.#handlers = handlers;
    this.line = new FaultLine({
      probed: () => this.note({ type: "probed" }),
      ended: (code) => this.note({ type: "ended", code }),
    });
    this.#list = new StoryList(user);
    this.#length.append(...CUTS.map(([value, words]) => element("option", { value }, words)));
    this.#cut.addEventListener("click", () => this.#startCut());
    this.#silence.addEventListener("click", () => {
      this.#begin("silent");
      this.line.silence();
      this.#show();
      this.#restore.focus();
    });
    this.#evict.addEventListener("click", () => {
      void this.#startEviction();
    });
    this.#restore.addEventListener("click", () => this.restore());
    const cut = element("span", { class: "cut" }, this.#cut, this.#length);
    const buttons = element(
      "div",
      { class: "fault-buttons" },
      cut,
      this.#silence,
      this.#evict,
      this.#restore,
    );
    const group = { class: "faults", role: "group", "aria-label": `Faults of ${user}` };
    this.element = element("div", group, buttons, this.#problem, this.#list.element);
    this.#show();
  }

  /** Whether the card is connected, or tries to: only then is there something to break. */
  enable(isConnected: boolean): void {
    this.#isConnected = isConnected;
    this.#show();
  }

  /** Something happened that may belong to the story. */
  note(event: StoryEvent): void {
    if (this.#story === undefined) return;
    const now = Date.now();
    const story = goOn(this.#story, event, now);
    const last = story.steps.at(-1);
    if (story !== this.#story && last !== undefined) this.#handlers.told(last.words);
    this.#story = story;
    if (story.isOver && (story.isGone || story.fault !== "evicted")) this.#stopLooking();
    this.#show();
  }

  /** Ends whatever fault there is: the line passes everything again. */
  restore(): void {
    clearTimeout(this.#timer);
    if (this.line.state === "sound") return;
    const hadFocus = document.activeElement === this.#restore;
    this.line.restore();
    for (const ms of HURRY_AFTER_MS) setTimeout(() => this.#handlers.hurry(), ms);
    this.#show();
    if (hadFocus) this.#cut.focus();
  }

  /** The connection is given up by hand, and the story with it. */
  forget(): void {
    clearTimeout(this.#timer);
    if (this.line.state !== "sound") this.line.restore();
    this.#stopLooking();
    this.#story = undefined;
    this.#show();
  }

  #startCut(): void {
    this.#begin("cut");
    const seconds = Number(this.#length.value);
    if (seconds > 0) this.#timer = setTimeout(() => this.restore(), seconds * 1000);
    this.line.cut();
    this.#show();
    this.#restore.focus();
  }

  /** Never rejects: what goes wrong is shown. */
  async #startEviction(): Promise<void> {
    this.#begin("evicted");
    try {
      await this.#handlers.evict();
    } catch (error) {
      this.#problem.textContent = `Not evicted: ${reasonOf(error)}`;
      this.forget();
    }
  }

  #begin(fault: Fault): void {
    this.#problem.textContent = "";
    this.#story = beginStory(fault, Date.now(), this.#handlers.witness() !== undefined);
    for (const { words } of this.#story.steps) this.#handlers.told(words);
    clearInterval(this.#look);
    this.#look = setInterval(() => this.#show(), LOOK_MS);
  }

  #stopLooking(): void {
    clearInterval(this.#look);
    this.#look = undefined;
  }

  #show(): void {
    const isBroken = this.line.state !== "sound";
    for (const one of [this.#cut, this.#silence, this.#evict, this.#length]) {
      one.disabled = !this.#isConnected;
      one.hidden = isBroken;
    }
    this.#restore.hidden = !isBroken;
    this.element.hidden = !this.#isConnected && !isBroken && this.#story === undefined;
    this.#list.show(this.#story, this.#handlers.witness(), Date.now());
  }
}

function button(words: string): HTMLButtonElement {
  return element("button", { class: "button small", type: "button" }, words);
}
