import { describe, expect, test } from "vitest";
import { repeating } from "../../src/http/repeating.ts";
import type { Objects } from "../../src/objects/ports.ts";

/** Objects whose calls fail with these marks, one after another, and then answer; each call takes a stub. */
function failing(...marks: object[]) {
  const calls: { stub: number; method: string }[] = [];
  let stubs = 0;
  const port = () => {
    const stub = ++stubs;
    return new Proxy(
      {},
      {
        get: (_, method) => async () => {
          const mark = marks[calls.length];
          calls.push({ stub, method: String(method) });
          if (mark !== undefined) throw Object.assign(new Error("failed"), mark);
          return "done";
        },
      },
    );
  };
  const objects = { user: port, channel: port, directory: port } as unknown as Objects;
  return { objects: repeating(objects), calls };
}

const query = { limit: 1, order: "asc" } as const;
const message = { event: "message", dataJson: "1" };
const RESET = { durableObjectReset: true };

describe("[F44] a call that the platform failed", () => {
  test.each([{ retryable: true }, RESET])(
    "is made again on a new stub where it may succeed: %o",
    async (mark) => {
      const { objects, calls } = failing(mark, mark);
      expect(await objects.channel("c").history(query)).toBe("done");
      expect(calls.map(({ stub }) => stub)).toEqual([1, 2, 3]);
    },
  );

  test("is given up after two repeats", async () => {
    const { objects, calls } = failing(RESET, RESET, RESET);
    await expect(objects.user("u").sessions()).rejects.toMatchObject(RESET);
    expect(calls).toHaveLength(3);
  });

  test.each([
    ["the object is overloaded", { overloaded: true, retryable: true }],
    ["it is a bug", {}],
  ])("is not made again where %s", async (_, mark) => {
    const { objects, calls } = failing(mark);
    await expect(objects.channel("c").history(query)).rejects.toThrow("failed");
    expect(calls).toHaveLength(1);
  });

  test("is not made again where it would happen twice", async () => {
    for (const ask of [
      ({ channel }: Objects) => channel("c").publish(message),
      ({ channel }: Objects) => channel("c").signal(message),
      ({ user }: Objects) => user("u").send({ ...message, sender: "key:a" }),
      ({ user }: Objects) => user("u").endSession("s"),
      ({ user }: Objects) => user("u").allow({ issuedAt: null, ticket: { id: "t", expiresAt: 1 } }),
    ]) {
      const { objects, calls } = failing(RESET);
      await expect(ask(objects)).rejects.toMatchObject(RESET);
      expect(calls).toHaveLength(1);
    }
  });

  test("is made again where a key makes it happen once", async () => {
    const { objects, calls } = failing(RESET);
    const once = { principal: "key:a", key: "k" };
    expect(await objects.channel("c").publish({ ...message, once })).toBe("done");
    expect(calls).toHaveLength(2);
  });
});
