/** A text frame holds at most so much, but always one message: what a slow network takes in one piece. */
export const MAX_ARRAY_BYTES = 65_536;

/** JSON text of one message, and its size in UTF-8. */
export interface Encoded {
  readonly text: string;
  readonly bytes: number;
}

/** One WebSocket text frame: its text, its size, and how many messages it carries. */
export interface TextFrame extends Encoded {
  readonly messages: number;
}

/** The text frames that carry these messages, in order: one message as it is, several as arrays. */
export function textFrames(messages: readonly Encoded[], maxBytes: number = MAX_ARRAY_BYTES): TextFrame[] {
  const frames: TextFrame[] = [];
  let texts: string[] = [];
  let bytes = 0;
  const close = () => {
    if (texts.length === 1) frames.push({ text: texts[0] ?? "", bytes, messages: 1 });
    else frames.push({ text: `[${texts.join(",")}]`, bytes: bytes + 2, messages: texts.length });
    texts = [];
    bytes = 0;
  };
  for (const message of messages) {
    if (texts.length > 0 && bytes + 1 + message.bytes + 2 > maxBytes) close(); // a comma before it, two brackets
    bytes += message.bytes + (texts.length > 0 ? 1 : 0);
    texts.push(message.text);
  }
  if (texts.length > 0) close();
  return frames;
}
