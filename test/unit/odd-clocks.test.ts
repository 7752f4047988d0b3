import { expect, test } from "vitest";
import { verifyToken } from "../../src/auth/token.ts";
import { decodeClientText } from "../../src/protocol/codec.ts";
import { NOW, NOW_MS, settings, tokenOf } from "../fixtures/odd-tokens.ts";

const DAY = 86_400;
const ours = settings({ CLOCK_LEEWAY_SECONDS: "30" });
const codeOf = async (claims: Record<string, unknown> | string) => {
  const verified = await verifyToken(tokenOf({ claims }), ours, NOW_MS);
  return "code" in verified ? verified.code : `sub ${verified.sub}`;
};

test.each([
  ["made a day ago", { iat: NOW - DAY + 600, exp: NOW + 600 }, "sub ann"],
  ["made by a clock five seconds ahead", { iat: NOW + 5 }, "sub ann"],
  ["made by a clock six seconds ahead", { iat: NOW + 6 }, "token_invalid"],
  ["made by a clock a day ahead", { iat: NOW + DAY, exp: NOW + DAY + 600 }, "token_invalid"],
  ["good in half a minute", { nbf: NOW + 30 }, "sub ann"],
  ["good in a minute", { nbf: NOW + 60 }, "token_invalid"],
  ["over for half a minute", { exp: NOW - 29 }, "sub ann"],
  ["over for a day", { iat: NOW - 2 * DAY, exp: NOW - DAY }, "token_expired"],
])("[F32] a token %s, by the clock of whoever made it: %o is %s", async (_, claims, code) => {
  expect(await codeOf(claims)).toBe(code);
});

test("[N11] of a name that stands twice in JSON the last one counts, in tokens and in frames", async () => {
  expect(await codeOf(`{"sub":"ann","exp":${NOW + 60},"sub":"ben"}`)).toBe("sub ben");
  expect(await codeOf(`{"sub":"ann","exp":${NOW + 60},"exp":${NOW - 60}}`)).toBe("token_expired");
  const [decoded] = decodeClientText('{"type":"publish","data":1,"type":"heartbeat","n":1,"n":2}');
  expect(decoded).toMatchObject({ frame: { type: "heartbeat", n: 2 } });
});
