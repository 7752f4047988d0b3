import fc from "fast-check";
import { expect, test } from "vitest";
import { spliced } from "../../src/objects/spliced.ts";

test("[MS11] data that is passed on as text stands in its object as if it had been encoded there", () => {
  const fields = fc.dictionary(fc.constantFrom("a", "b", '"', "ü"), fc.jsonValue(), { minKeys: 1 });
  const after = fc.dictionary(fc.constantFrom("x", "y"), fc.jsonValue());
  fc.assert(
    fc.property(fields, fc.jsonValue(), after, (before, data, rest) => {
      const text = spliced(before, "data", JSON.stringify(data), rest);
      expect(text).toBe(JSON.stringify({ ...before, data, ...rest }));
    }),
  );
});
