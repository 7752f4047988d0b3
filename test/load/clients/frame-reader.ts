/** What was heard of one type of frame. */
export interface Heard {
  frames: number;
  bytes: number;
}

/** Reads whole text frames of a server that neither masks nor fragments, as those measured here do. */
export class FrameReader {
  #rest = Buffer.alloc(0);

  /** The payloads of the text frames that end in this chunk. */
  feed(chunk: Buffer): string[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const texts: string[] = [];
    let from = 0;
    for (;;) {
      const frame = frameAt(bytes, from);
      if (frame === undefined) break;
      if (frame.isText) texts.push(bytes.toString("utf8", frame.start, frame.end));
      from = frame.end;
    }
    this.#rest = Buffer.from(bytes.subarray(from));
    return texts;
  }
}

interface Frame {
  isText: boolean;
  start: number;
  end: number;
}

/** RFC 6455, section 5.2. */
function frameAt(bytes: Buffer, from: number): Frame | undefined {
  if (bytes.length < from + 2) return undefined;
  const short = (bytes[from + 1] as number) & 0x7f;
  const head = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < from + head) return undefined;
  const length =
    short === 126
      ? bytes.readUInt16BE(from + 2)
      : short === 127
        ? Number(bytes.readBigUInt64BE(from + 2))
        : short;
  const start = from + head;
  if (bytes.length < start + length) return undefined;
  return { isText: ((bytes[from] as number) & 0x0f) === 1, start, end: start + length };
}

/** A client's text frame. The mask is nought, which is a mask: it costs nobody anything here. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126
      ? Buffer.from([0x81, 0x80 | payload.length])
      : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

/** A client's close frame with 1000. */
export const CLOSE_FRAME = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);

/** Adds what these texts say, an object or an array of them, to the tally by type. */
export function tally(texts: string[], heard: Record<string, Heard>): void {
  for (const text of texts) {
    if (!text.startsWith("{") && !text.startsWith("[")) continue; // a pong
    const said = JSON.parse(text) as { type: string } | { type: string }[];
    const all = Array.isArray(said) ? said : [said];
    for (const { type } of all) {
      const entry = heard[type] ?? { frames: 0, bytes: 0 };
      heard[type] = entry;
      entry.frames += 1;
      entry.bytes += text.length / all.length;
    }
  }
}
