import { expect, it, vi } from "vitest";
import { fetchKeySet } from "../../src/auth/key-set-document.ts";

const ADDRESS = "https://id.example.com/jwks.json";
const fetched = (body: string | ReadableStream | null, init?: ResponseInit) =>
  fetchKeySet(ADDRESS, async () => new Response(body, init));

it("[JK7] a set is fetched from the address alone, without following a redirect", async () => {
  const asked = vi.fn(async (_url: string, _init: RequestInit) =>
    Response.json({ keys: [{ kty: "x" }], more: 1 }),
  );
  expect(await fetchKeySet(ADDRESS, asked)).toEqual([{ kty: "x" }]);
  expect(asked).toHaveBeenCalledTimes(1);
  expect(asked.mock.calls[0]?.[0]).toBe(ADDRESS);
  expect(asked.mock.calls[0]?.[1]).toMatchObject({ redirect: "manual", cache: "no-store" });
});

it.each([201, 204, 301, 302, 307, 308, 401, 404, 500])("[JK7] status %i is no set", async (status) => {
  const body = status === 204 ? null : '{"keys":[]}';
  await expect(fetched(body, { status, headers: { Location: "https://evil.example" } })).rejects.toThrow(
    `status ${status}`,
  );
});

it.each(["", "{", "[]", "null", '{"keys":{}}', "{}", '{"keys":"x"}', '\ufeff{"keys":[]}', "[".repeat(5000)])(
  "[JK7] what is no key set is none (case %#)",
  async (body) => {
    await expect(fetched(body)).rejects.toThrow("not a key set");
  },
);

it("[JK7] a set has at most 100 keys and 256 KiB, whatever its length is said to be", async () => {
  const set = (keys: number) => JSON.stringify({ keys: Array(keys).fill({}) });
  expect(await fetched(set(100))).toHaveLength(100);
  await expect(fetched(set(101))).rejects.toThrow("not a key set");
  expect(await fetched(set(1).padEnd(262_144))).toHaveLength(1);
  await expect(fetched(set(1).padEnd(262_145))).rejects.toThrow("more than 262144 bytes");
});

it("[JK7] no more is read of a set without end", async () => {
  let read = 0;
  const endless = new ReadableStream({
    pull: (controller) => {
      read += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  await expect(fetched(endless)).rejects.toThrow("more than");
  expect(read).toBeLessThan(600_000);
});

it("[JK7] what takes longer than 5 s is given up", async () => {
  const timeout = vi.spyOn(AbortSignal, "timeout");
  await fetched('{"keys":[]}');
  expect(timeout).toHaveBeenCalledWith(5000);
  timeout.mockReturnValue(AbortSignal.abort(new Error("over")));
  const obedient = (_: string, { signal }: RequestInit) => Promise.reject(signal?.reason);
  await expect(fetchKeySet(ADDRESS, obedient)).rejects.toThrow("over");
  timeout.mockRestore();
});
