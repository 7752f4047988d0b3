import * as z from "zod";
import { positionText } from "./position.ts";

/*
 * Server messages as server-sent events (HTML standard, section 9.2): one event each, `event:` its type and
 * `data:` its JSON on one line. A line ends at CR or LF, which JSON writes as escapes; so no payload can begin
 * a line of its own. Parsers that split lines as Unicode does also end them at U+0085, U+2028 and U+2029,
 * which JSON leaves as they are: they are escaped as well.
 */

export const HEARTBEAT_TEXT = "event: heartbeat\ndata: {}\n\n";

const Message = z.looseObject({ offset: z.int().min(0) });

/** What is read of a message of our own objects; a newer object may send types that this Worker doesn't know. */
const Frame = z.looseObject({
  type: z.string().regex(/^[a-z_]{1,32}$/),
  epoch: z.string().optional(),
  offset: z.int().min(0).optional(),
  seq: z.int().min(0).optional(),
  messages: z.array(Message).optional(),
  n: z.unknown().optional(),
});
export type Frame = z.infer<typeof Frame>;

const Frames = z.union([Frame, z.array(Frame)]);

/** The messages of one text frame, in order, as they came. Throws where it is none: that is a bug of our own. */
export function framesIn(text: string): Frame[] {
  const value: unknown = JSON.parse(text);
  Frames.parse(value); // checked, and not its result: a schema puts the fields that it knows first
  return (Array.isArray(value) ? value : [value]) as Frame[];
}

/** Server messages as the text of events. It remembers the epoch of a channel stream: ids begin with it. */
export class EventText {
  #epoch: string | undefined;

  /** On a stream recovered messages come after the frame that says where it stands, never inside it. */
  of(frame: Frame): string {
    if (frame.type !== "welcome" && frame.type !== "subscribed") return this.#event(frame);
    if (frame.type === "welcome") this.#epoch = frame.epoch;
    if (frame.messages === undefined) return this.#event(frame);
    const recovered = frame.messages.map((message) => this.#event({ type: "message", ...message }));
    return this.#event({ ...frame, messages: [] }) + recovered.join("");
  }

  #event(frame: Frame): string {
    const id = this.#idOf(frame);
    const idLine = id === undefined ? "" : `id: ${id}\n`;
    return `event: ${frame.type}\n${idLine}data: ${oneLine(JSON.stringify(frame))}\n\n`;
  }

  /**
   * An id moves what a browser resumes from. Only messages have one: of a channel where its epoch is known, and
   * direct ones, which come on a user's own stream alone.
   */
  #idOf({ type, offset, seq }: Frame): string | undefined {
    if (type === "direct" && seq !== undefined) return String(seq);
    if (type !== "message" || offset === undefined || this.#epoch === undefined) return undefined;
    return positionText({ epoch: this.#epoch, offset });
  }
}

function oneLine(json: string): string {
  return json.replace(
    /[\r\n\u0085\u2028\u2029]/g,
    (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
