import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeClientText, exceedsDepth } from "../../src/protocol/codec.ts";
import { truncateUtf8, utf8Length } from "../../src/protocol/utf8.ts";

const decodeOne = (value: unknown) => decodeClientText(JSON.stringify(value))[0];

test("[N6] whatever text comes is understood or refused with a code, and nothing is thrown", () => {
  const pieces = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    '"',
    ",",
    ":",
    '{"type":"publish","data":',
    "null",
    "1e400",
    "\\",
    "\u0000",
    "\ud800",
  );
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.array(pieces).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      for (const decoded of decodeClientText(text)) {
        if ("refused" in decoded)
          expect(["invalid_json", "bad_request", "invalid_channel", "invalid_user"]).toContain(
            decoded.refused.code,
          );
        else expect(typeof decoded.frame.type).toBe("string");
      }
    }),
    { numRuns: 2000 },
  );
});

test("[N7] depth is found without parsing, and brackets inside strings do not count", () => {
  expect(exceedsDepth("[".repeat(32) + "]".repeat(32), 32)).toBe(false);
  expect(exceedsDepth("[".repeat(33), 32)).toBe(true);
  expect(exceedsDepth(JSON.stringify("[".repeat(100)), 32)).toBe(false);
  expect(exceedsDepth(JSON.stringify('\\"[[['.repeat(50)), 32)).toBe(false);
  expect(exceedsDepth("[]".repeat(100_000), 32)).toBe(false);
});

test("[N8] a million elements and a hundred thousand keys take no time to refuse", () => {
  const elements = `[${"1,".repeat(30_000)}1]`;
  const keys = `{${Array.from({ length: 6000 }, (_, i) => `"k${i}":1`).join(",")}}`;
  for (const text of [elements, keys, `{"type":"publish","data":1,"${"k".repeat(60_000)}":1}`]) {
    const decoded = decodeClientText(text);
    expect(decoded).toHaveLength(1);
  }
});

test("[N12] each wrong field is named, at most twenty of them", () => {
  expect(decodeOne({ type: "publish", data: 1, event: 5, key: 7 })).toMatchObject({
    refused: { code: "bad_request", errors: [{ path: "event" }, { path: "key" }] },
  });
  expect(decodeOne({ type: "publish", data: 1, exclude: { session: 5 } })).toMatchObject({
    refused: { errors: [{ path: "exclude.session" }] },
  });
});

test("[N12] a refusal carries the ref of its message, and only a ref that is one", () => {
  expect(decodeOne({ type: "nonsense", ref: "r" })).toMatchObject({ ref: "r" });
  expect(decodeOne({ type: "nonsense", ref: {} })).not.toHaveProperty("ref");
});

test("[N13] [N14] [N15] [N16] names are plain ASCII, events may be read but hide nothing", () => {
  for (const channel of [
    "é",
    "e\u0301",
    "a\u202eb",
    "a\u200bb",
    "a\nb",
    "a\0b",
    "\ud800",
    "",
    "x".repeat(129),
    "a/b",
    " ",
  ]) {
    expect(decodeOne({ type: "publish", data: 1, channel })).toMatchObject({
      refused: { code: "invalid_channel" },
    });
  }
  for (const event of ["a\nb", "a\0b", "\ud800", "", "x".repeat(65)]) {
    expect(decodeOne({ type: "publish", data: 1, event })).toMatchObject({
      refused: { errors: [{ path: "event" }] },
    });
  }
  expect(decodeOne({ type: "publish", data: 1, event: "żółw 🐢" })).toHaveProperty("frame");
});

test("[N10] __proto__ in a message pollutes nothing", () => {
  decodeClientText('{"type":"publish","data":{"__proto__":{"polluted":1}},"__proto__":{"polluted":1}}');
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test("[N3] bytes are counted as UTF-8 counts them", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
    }),
  );
});

test("[N30] a close reason is cut to its bytes and never inside a character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 0, max: 40 }), (text, max) => {
      const cut = truncateUtf8(text, max);
      expect(text.startsWith(cut)).toBe(true);
      expect(utf8Length(cut)).toBeLessThanOrEqual(max);
      expect(cut.isWellFormed()).toBe(text.isWellFormed() || cut.isWellFormed());
    }),
  );
  expect(truncateUtf8("é".repeat(100), 123)).toBe("é".repeat(61));
});
