import fc from "fast-check";
import { expect, test } from "vitest";
import { EventText, framesIn } from "../../src/http/event-text.ts";
import { parsePosition, positionOf, positionText } from "../../src/http/position.ts";

/** The fields of a stream as the HTML standard reads them, one list per event. */
function parsed(text: string, lineEnds = /\r\n|\n|\r/): [name: string, value: string][][] {
  expect(text.endsWith("\n\n")).toBe(true);
  const events: [string, string][][] = [[]];
  for (const line of text.slice(0, -2).split(lineEnds)) {
    if (line === "") events.push([]);
    else events.at(-1)?.push([line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]);
  }
  return events;
}

/** Every line end of Unicode, as Python's `splitlines` and parsers built on it read them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what such parsers split at
const UNICODE_LINE_ENDS = /\r\n|[\n\r\v\f\x1c-\x1e\u0085\u2028\u2029]/;
const EPOCH = "oFwXm2Y0b1Ck7hZqT3dNsA";

function channelStream(): EventText {
  const text = new EventText();
  text.of({ type: "welcome", epoch: EPOCH, offset: 0 });
  return text;
}

const nasty = fc.oneof(
  fc.constantFrom("\n", "\r", "\r\n\r\n", "\ndata: {}", "\n\nevent: closing\ndata: {}\n\n", "\u2028", "\0"),
  fc.string({ unit: "binary" }),
);
const nastyText = fc.array(nasty, { maxLength: 6 }).map((parts) => parts.join(""));
const nastyJson = fc.oneof(
  nastyText,
  fc.array(nastyText),
  fc.dictionary(nastyText, nastyText),
  fc.jsonValue({ noUnicodeString: false }),
);

test("[N29] no payload can begin a line of its own, whatever it holds and however the reader splits lines", () => {
  fc.assert(
    fc.property(nastyJson, nastyText, fc.nat(), (data, event, offset) => {
      const frame = { type: "message", id: "m", channel: "c", offset, event, data, at: 1 };
      const written = channelStream().of(frame);
      for (const lineEnds of [/\r\n|\n|\r/, UNICODE_LINE_ENDS]) {
        const [fields, ...more] = parsed(written, lineEnds);
        expect(more).toEqual([]);
        expect(fields?.map(([name]) => name)).toEqual(["event", "id", "data"]);
        expect(fields?.[0]?.[1]).toBe("message");
        expect(fields?.[1]?.[1]).toBe(`${EPOCH}:${offset}`);
        expect(JSON.parse(fields?.[2]?.[1] ?? "")).toEqual(JSON.parse(JSON.stringify(frame)));
      }
    }),
  );
});

test("[N29] what is no message of ours is refused, so that no type and no offset writes a line", () => {
  for (const text of [
    '{"type":"a\\nb"}',
    '{"type":""}',
    '{"type":1}',
    '{"type":"message","offset":"1\\n"}',
    '{"type":"welcome","messages":[{"offset":-1}]}',
    "[1]",
    "null",
    "pong",
  ])
    expect(() => framesIn(text)).toThrow();
});

test("[ES2] an array frame is its messages in order, each as it came", () => {
  const frames = [
    { data: { z: 1, a: 2 }, offset: 3, type: "message" },
    { type: "later", n: 1 },
  ];
  expect(JSON.stringify(framesIn(JSON.stringify(frames)))).toBe(JSON.stringify(frames));
  expect(framesIn('{"type":"ok","ref":1}')).toEqual([{ type: "ok", ref: 1 }]);
});

test("[ES2] messages and skipped ones of a channel carry their position, nothing else an id", () => {
  const text = channelStream();
  const idOf = (frame: Record<string, unknown>) =>
    parsed(text.of(framesIn(JSON.stringify(frame))[0] ?? { type: "none" }))[0]?.find(
      ([name]) => name === "id",
    )?.[1];
  expect(idOf({ type: "message", channel: "c", offset: 7, data: 1 })).toBe(`${EPOCH}:7`);
  expect(idOf({ type: "message", channel: "c", offset: 9, skipped: true })).toBe(`${EPOCH}:9`);
  expect(idOf({ type: "signal", event: "typing", offset: 9 })).toBeUndefined();
  expect(idOf({ type: "welcome", epoch: EPOCH, offset: 9 })).toBeUndefined();
});

test("[ES2] a user's stream knows no epoch, so its messages have no id", () => {
  const text = new EventText();
  text.of({ type: "welcome" });
  expect(text.of({ type: "message", offset: 7 })).not.toContain("id:");
});

test("[ES4] recovered messages come after the welcome, each with its id", () => {
  const messages = [
    { id: "x", channel: "c", offset: 4, data: "four" },
    { channel: "c", offset: 6, skipped: true },
  ];
  const welcome = { type: "welcome", epoch: EPOCH, offset: 6, recovered: true, messages };
  const events = parsed(new EventText().of(welcome)).map((fields) => Object.fromEntries(fields));
  expect(events.map(({ event, id }) => [event, id])).toEqual([
    ["welcome", undefined],
    ["message", `${EPOCH}:4`],
    ["message", `${EPOCH}:6`],
  ]);
  expect(JSON.parse(events[0]?.data ?? "")).toEqual({ ...welcome, messages: [] });
  expect(JSON.parse(events[1]?.data ?? "")).toEqual({ type: "message", ...messages[0] });
});

test("[ES4] what an id says is read back as it was", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), fc.maxSafeNat(), (epoch, offset) => {
      expect(parsePosition(positionText({ epoch, offset }))).toEqual({ epoch, offset });
      expect(positionOf(epoch, String(offset))).toEqual({ epoch, offset });
    }),
  );
});

test.each([
  undefined,
  "",
  ":",
  "1",
  ":1",
  `${EPOCH}:`,
  `${EPOCH}:-1`,
  `${EPOCH}:1.5`,
  `${EPOCH}:1e3`,
  `${EPOCH}: 1`,
  `${EPOCH}:1:2`,
  `${EPOCH}:9007199254740992`,
  `${EPOCH}:${"9".repeat(400)}`,
  `${EPOCH}:1\r\nevent: closing`,
  `${EPOCH}\n:1`,
  `${EPOCH}:1\n`,
  "é:1",
  `${"e".repeat(65)}:1`,
  "x".repeat(10_240),
])("[N28] %j is no position, and as if it were absent", (text) => {
  expect(parsePosition(text)).toBeUndefined();
});

test("[N28] whatever is said, reading it as a position never throws", () => {
  fc.assert(
    fc.property(nastyText, nastyText, (epoch, offset) => {
      for (const position of [parsePosition(`${epoch}:${offset}`), positionOf(epoch, offset)]) {
        if (position === undefined) continue;
        expect(positionText(position)).toMatch(/^[A-Za-z0-9_-]+:\d+$/);
      }
    }),
  );
});

test("[ES2] [IN14] a direct message has its seq as id, on a user's stream and nowhere an offset", () => {
  const text = new EventText();
  text.of({ type: "welcome", inbox: { latest: 7, acked: 0 } });
  const [direct] = parsed(text.of({ type: "direct", seq: 7, id: "e-7", data: "a\nb" }));
  expect(direct).toMatchObject([
    ["event", "direct"],
    ["id", "7"],
    ["data", expect.any(String)],
  ]);
  const [signal] = parsed(text.of({ type: "signal", seq: 8, event: "x" }));
  expect(signal?.map(([name]) => name)).toEqual(["event", "data"]);
});
