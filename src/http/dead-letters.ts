import { Hono } from "hono";
import { spliced } from "../objects/spliced.ts";
import { LetterQuery } from "../protocol/events.ts";
import { requireKey } from "./access.ts";
import type { AppEnv } from "./context.ts";
import { queryIn } from "./input.ts";
import { problem } from "./problem.ts";
import { webhookIn } from "./webhook.ts";

/** Events that the webhook did not take: what they are, and sending one again. */
export const deadLetters = new Hono<AppEnv>()
  .get("/v1/dead-letters", async (context) => {
    await requireKey(context, "ops");
    const query = queryIn(context, LetterQuery);
    const webhook = await webhookIn(context);
    const page = await webhook?.letters(query);
    const { lettersJson, cursor } = page ?? { lettersJson: "[]", cursor: undefined };
    const body =
      cursor === undefined ? `{"letters":${lettersJson}}` : spliced({ cursor }, "letters", lettersJson);
    return context.body(body, 200, { "Content-Type": "application/json; charset=utf-8" });
  })
  .post("/v1/dead-letters/:id/replay", async (context) => {
    await requireKey(context, "ops");
    const webhook = await webhookIn(context);
    if ((await webhook?.replay(context.req.param("id"))) !== true)
      throw problem("not_found", "no such dead letter");
    return context.json({}, 202);
  });
