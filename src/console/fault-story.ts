export type Fault = "cut" | "silent" | "evicted";

/** What comes of a fault, as the page sees it from both ends. */
export type StoryEvent =
  | { type: "probed" }
  /** The service closed a connection that said nothing. */
  | { type: "ended"; code: number }
  /** Somebody else saw the person leave. */
  | { type: "gone"; by: string }
  /** Connected again; `recovered` messages came, or `undefined`: some are lost, and that was told. */
  | { type: "back"; recovered: number | undefined }
  /** The connection was closed for good. */
  | { type: "closed"; code: number };

/** One thing that happened, `afterMs` from the beginning. */
export interface StoryStep {
  words: string;
  afterMs: number;
}

/** A fault from its beginning to its end. */
export interface Story {
  fault: Fault;
  begunAt: number;
  steps: readonly StoryStep[];
  /** The service knows that the connection is gone: from then on it is grace. */
  isEnded: boolean;
  /** Somebody on the page saw the person when it began: only they could have noticed. */
  isWitnessed: boolean;
  isGone: boolean;
  isOver: boolean;
}

const BEGINNINGS = {
  cut: "Connection cut",
  silent: "Silent: the connection stays open, and nothing passes",
  evicted: "Session ended over HTTP",
} as const satisfies Record<Fault, string>;

/** A fault begins now, and others on the page see the person, or nobody does. */
export function beginStory(fault: Fault, now: number, isWitnessed: boolean): Story {
  const first = { words: BEGINNINGS[fault], afterMs: 0 };
  const isEnded = fault !== "silent";
  return { fault, begunAt: now, steps: [first], isEnded, isWitnessed, isGone: false, isOver: false };
}

/** The story with what happened now; the same object where that is nothing new. */
export function goOn(story: Story, event: StoryEvent, now: number): Story {
  if (story.isOver && event.type !== "gone") return story;
  switch (event.type) {
    case "probed":
      return withStep(story, "The service asks: are you there? (probe)", now);
    case "ended":
      return {
        ...withStep(story, `The service has ended it (${event.code}): the grace begins`, now),
        isEnded: true,
      };
    case "gone":
      if (story.isGone || isBack(story)) return story;
      return { ...withStep(story, `Gone for ${event.by}`, now), isGone: true };
    case "back":
      return { ...withStep(story, backWords(story, event.recovered), now), isOver: true };
    case "closed":
      return { ...withStep(story, `Closed (${event.code}): stays away`, now), isOver: true };
  }
}

/** What holds right now, while it goes on; `witness` is somebody who still sees the person, if anybody does. */
export function standing(story: Story, witness: string | undefined): string {
  if (isBack(story) || story.isGone || witness === undefined) return "";
  if (!story.isEnded) return `Still there for ${witness}: nobody knows yet`;
  return `Still there for ${witness}: that is the grace`;
}

/** 3 s, 0.4 s. */
export function secondsIn(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 9_950 ? 1 : 0)} s`;
}

/** Somebody who came back cannot leave because of what was before; who was evicted still can. */
function isBack({ isOver, fault }: Story): boolean {
  return isOver && fault !== "evicted";
}

function backWords({ isGone, isEnded, isWitnessed }: Story, recovered: number | undefined): string {
  const unnoticed = isEnded ? "Back within the grace, unnoticed" : "Back before anybody noticed";
  const noticed = isGone || !isWitnessed ? "Back" : unnoticed;
  if (recovered === undefined) return `${noticed}; what was missed is lost, and that was told`;
  if (recovered === 0) return `${noticed}; nothing was missed`;
  return `${noticed}; ${recovered} ${recovered === 1 ? "message" : "messages"} recovered`;
}

function withStep(story: Story, words: string, now: number): Story {
  return { ...story, steps: [...story.steps, { words, afterMs: now - story.begunAt }] };
}
