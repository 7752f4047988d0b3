import { expect, test } from "vitest";
import { bodyOf, headersOf } from "../../src/events/delivery.ts";
import { Rollcall, verifyWebhook } from "../../src/server/index.ts";
import { KEY, request } from "./client.ts";

test("[PK24] in workerd it publishes, reads and verifies", async () => {
  const apiKey = KEY.Authorization.replace("Bearer ", "");
  const rollcall = new Rollcall({
    url: "https://rollcall.example.com",
    apiKey,
    fetch: (input, init) => request(new URL(String(input)).pathname, init),
  });
  const { offset } = await rollcall.channel("pk-workerd").publish({ n: 1 }, { event: "paid" });
  expect(offset).toBe(1);
  expect(await rollcall.channel("pk-workerd").history()).toMatchObject({ messages: [{ data: { n: 1 } }] });
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const event = { id: "evt_1", type: "presence.changed", at: 1, data: { user: "ann" } };
  const headers = new Headers(headersOf(event, bodyOf(event), [secret], Date.now()));
  expect(await verifyWebhook(headers, bodyOf(event), secret)).toMatchObject({ type: "presence.changed" });
  const other = verifyWebhook(headers, `${bodyOf(event)} `, secret);
  await expect(other).rejects.toMatchObject({ code: "webhook_forged" });
});
