import { Hono } from "hono";
import { mapAtMost } from "../objects/at-most.ts";
import { directRequest } from "../objects/commands.ts";
import type { DirectRequest } from "../objects/inbox-port.ts";
import { log } from "../objects/log.ts";
import type { ManyAnswer, ManyResult } from "../protocol/answers.ts";
import { ERROR_CODES, isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import { ManyBody } from "../protocol/many.ts";
import { ChannelName, UserId } from "../protocol/names.ts";
import { requireKey } from "./access.ts";
import type { AppContext, AppEnv, Principal } from "./context.ts";
import { hopIn } from "./hops.ts";
import { keyedBodyIn } from "./input.ts";
import { countTargets } from "./limits.ts";
import { failure, granted } from "./problem.ts";
import { publishedTo } from "./publishing.ts";

/** Calls of one request that are under way at once. */
const MOST_CALLS = 20;

type Target = { user: string } | { channel: string };

/** What came of it at one target. */
type Told = { id: string; duplicate?: true | undefined } & ({ seq: number } | { offset: number });

/** The same message to many users and channels, each by itself: one that fails takes no other with it. */
export const many = new Hono<AppEnv>().post("/v1/messages", async (context) => {
  const key = await requireKey(context, "publish");
  const { users, channels, ...body } = await keyedBodyIn(context, ManyBody);
  const hop = hopIn(context);
  const asked = granted(directRequest(body, { key: key.name }, context.get("settings")));
  const request = hop === undefined ? asked : { ...asked, hop };
  const targets: Target[] = [...users.map((user) => ({ user })), ...channels.map((channel) => ({ channel }))];
  const principal = { kind: "key", key } as const;
  countTargets(context, principal, targets.length);
  const results = await mapAtMost(MOST_CALLS, targets, async (target) =>
    resultOf(target, await attempt(context, target, request, principal)),
  );
  const answer: ManyAnswer = { results };
  return context.json(answer);
});

/** Never rejects. */
async function attempt(
  context: AppContext,
  target: Target,
  request: DirectRequest,
  principal: Principal,
): Promise<Told | Refusal> {
  try {
    return await ("user" in target
      ? toUser(context, target.user, request)
      : toChannel(context, target.channel, request, principal));
  } catch (cause) {
    log.warn("not sent", target, cause);
    return failure(cause);
  }
}

async function toChannel(
  context: AppContext,
  name: string,
  { sender: _, ...request }: DirectRequest,
  principal: Principal,
): Promise<Told | Refusal> {
  const channel = ChannelName.safeParse(name).data;
  if (channel === undefined) return refusal("invalid_channel", "not a channel name");
  return publishedTo(context, channel, request, { principal });
}

async function toUser(context: AppContext, name: string, request: DirectRequest): Promise<Told | Refusal> {
  const user = UserId.safeParse(name).data;
  if (user === undefined) return refusal("invalid_user", "not a user id");
  return context.get("objects").user(user).send(request);
}

function resultOf(target: Target, told: Told | Refusal): ManyResult {
  if (isRefusal(told)) return { ...target, status: ERROR_CODES[told.code][0], code: told.code };
  const place = "seq" in told ? { seq: told.seq } : { offset: told.offset };
  return { ...target, status: told.duplicate ? 200 : 201, id: told.id, ...place };
}
