import { isLeftOut, isSender } from "../../objects/left-out.ts";
import type { Delivery } from "../../objects/subscribing.ts";
import type { From } from "../../protocol/bodies.ts";

/** What one session may hear of a delivery, and has not heard. */
export interface Hearing {
  who: From;
  /** The last offset that it was sent; null while it reads the log, which brings messages in their order. */
  offset: number | null;
  mayHearRoster: boolean;
  events?: string[] | undefined;
}

/** Text frames for one session, in order. Runs of messages that are not for it are one `skipped`. */
export function framesFor({ channel, said }: Delivery, hearing: Hearing): string[] {
  const frames: string[] = [];
  let skipped: number | undefined;
  const endRun = () => {
    if (skipped !== undefined)
      frames.push(JSON.stringify({ type: "message", channel, offset: skipped, skipped: true }));
    skipped = undefined;
  };
  for (const one of said) {
    switch (one.is) {
      case "roster":
        if (hearing.mayHearRoster) frames.push(one.text);
        break;
      case "signal":
        if (!isSender(one.from, hearing.who)) frames.push(one.text);
        break;
      case "message": {
        if (hearing.offset === null || one.offset <= hearing.offset) break;
        const isOut = one.exclude !== undefined && isLeftOut(one.exclude, hearing.who);
        if (isOut || hearing.events?.includes(one.event) === false) {
          skipped = one.offset;
          break;
        }
        endRun();
        frames.push(one.text);
      }
    }
  }
  endRun();
  return frames;
}

/** The last offset that a delivery speaks of. */
export function topOf({ prev, said }: Omit<Delivery, "sessions">): number {
  return said.reduce((top, one) => (one.is === "message" ? Math.max(top, one.offset) : top), prev);
}
