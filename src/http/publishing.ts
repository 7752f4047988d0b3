import type { Caller, PublishRequest } from "../objects/ports.ts";
import type { Published } from "../protocol/bodies.ts";
import { isRefusal, type Refusal } from "../protocol/codes.ts";
import type { AppContext, Principal } from "./context.ts";
import { countNewChannel, newChannelWaitMs } from "./limits.ts";

/**
 * Publishes to a channel. Offset 1 tells that its log began with this, so that to bound who begins how many costs no
 * question: only whoever began too many is told apart, by the channel.
 */
export async function publishedTo(
  context: AppContext,
  channel: string,
  request: PublishRequest,
  { principal, caller }: { principal: Principal; caller?: Caller | undefined },
): Promise<Published | Refusal> {
  const newAfterMs = newChannelWaitMs(context, principal);
  const target = context.get("objects").channel(channel);
  const bounded = newAfterMs > 0 ? { ...request, newAfterMs } : request;
  const published = await target.publish(bounded, caller);
  if (!isRefusal(published) && published.offset === 1 && !published.duplicate)
    countNewChannel(context, principal);
  return published;
}
