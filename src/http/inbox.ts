import { Hono } from "hono";
import { directRequest } from "../objects/commands.ts";
import { spliced } from "../objects/spliced.ts";
import type { SentAnswer } from "../protocol/answers.ts";
import { InboxAck, InboxQuery } from "../protocol/inbox.ts";
import { requireSelf, requireSend } from "./access.ts";
import { speakerOf } from "./allowance.ts";
import type { AppEnv } from "./context.ts";
import { bodyIn, publishBodyIn, queryIn, userIn } from "./input.ts";
import { granted, problem } from "./problem.ts";

/** Direct messages: sent to a user, read by its devices, and done with. */
export const inbox = new Hono<AppEnv>()
  .post("/v1/users/:user/messages", async (context) => {
    const user = userIn(context);
    const principal = await requireSend(context, user);
    const body = await publishBodyIn(context);
    const publisher = principal.kind === "key" ? { key: principal.key.name } : principal;
    const request = granted(directRequest(body, publisher, context.get("settings")));
    const { from } = await speakerOf(context, principal);
    const target = context.get("objects").user(user);
    const { delivered, ...sent } = granted(await target.send({ ...request, ...(from && { from }) }));
    // To how many sessions it went would betray the invisible: only back ends are told.
    const answer: SentAnswer = principal.kind === "key" ? { ...sent, delivered } : sent;
    return context.json(answer, sent.duplicate ? 200 : 201);
  })
  .get("/v1/users/:user/inbox", async (context) => {
    const user = userIn(context);
    const principal = await requireSelf(context, user, "read");
    const query = queryIn(context, InboxQuery);
    const { from } = await speakerOf(context, principal);
    const device = query.device ?? from?.device;
    const reader = from && { ...from, ...(device !== undefined && { device }) };
    const target = context.get("objects").user(user);
    const page = await target.inbox({ ...query, ...(device !== undefined && { device }) }, reader);
    const text = spliced({ acked: page.acked, latest: page.latest }, "messages", page.messagesJson);
    return context.body(text, 200, { "Content-Type": "application/json; charset=utf-8" });
  })
  .post("/v1/users/:user/inbox/ack", async (context) => {
    const user = userIn(context);
    const principal = await requireSelf(context, user, "manage");
    if (principal.kind === "key") throw problem("forbidden", "only this user's devices may acknowledge");
    const { seq, device } = await bodyIn(context, InboxAck);
    const { from } = await speakerOf(context, principal);
    const acking = device ?? from?.device;
    const ack = { seq, ...(acking !== undefined && { device: acking }) };
    await context.get("objects").user(user).ackInbox(ack);
    return context.body(null, 204);
  });
