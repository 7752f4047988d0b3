import type { Settings } from "../config.ts";
import type { Exclusion, From, PublishBody, SignalBody } from "../protocol/bodies.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import { utf8Length } from "../protocol/utf8.ts";
import type { DirectRequest } from "./inbox-port.ts";
import type { PublishRequest, SignalRequest } from "./ports.ts";

/** Who publishes: a user, or a back end by the name of its key. */
export type Publisher = { user: string } | { key: string };

/** What a publish asks of a channel, encoded once for its log and all its receivers; or why it can't be. */
export function publishRequest(
  body: PublishBody,
  publisher: Publisher,
  settings: Settings,
): PublishRequest | Refusal {
  const dataJson = JSON.stringify(body.data);
  const refused = sizeRefusal(dataJson, settings) ?? exclusionRefusal(body.exclude, publisher);
  if (refused !== undefined) return refused;
  const { event, key, exclude, ttlSeconds } = body;
  return {
    event,
    dataJson,
    ...(key !== undefined && { once: { principal: principalOf(publisher), key } }),
    ...(exclude !== undefined && { exclude: ownExclusion(exclude, publisher) }),
    ...(ttlSeconds !== undefined && { ttlSeconds }),
  };
}

/** What a direct message asks of its recipient's object, likewise. `sender` is whose share of the inbox it takes. */
export function directRequest(
  body: PublishBody,
  publisher: Publisher,
  settings: Settings,
): DirectRequest | Refusal {
  const request = publishRequest(body, publisher, settings);
  return isRefusal(request) ? request : { ...request, sender: principalOf(publisher) };
}

/** Likewise for a signal. */
export function signalRequest(
  body: SignalBody,
  from: From | undefined,
  settings: Settings,
): SignalRequest | Refusal {
  const dataJson = body.data === undefined ? undefined : JSON.stringify(body.data);
  const tooLarge = dataJson === undefined ? undefined : sizeRefusal(dataJson, settings);
  if (tooLarge !== undefined) return tooLarge;
  return {
    event: body.event,
    ...(dataJson === undefined ? {} : { dataJson }),
    ...(from === undefined ? {} : { from }),
  };
}

function principalOf(publisher: Publisher): string {
  return "user" in publisher ? `user:${publisher.user}` : `key:${publisher.key}`;
}

/** A user leaves out its own; somebody else's session or device is then simply none of its own. */
function ownExclusion(exclude: Exclusion, publisher: Publisher): Exclusion {
  return "user" in publisher ? { ...exclude, user: publisher.user } : exclude;
}

function exclusionRefusal(exclude: Exclusion | undefined, publisher: Publisher): Refusal | undefined {
  if (exclude === undefined) return undefined;
  const { session, user, device } = exclude;
  if ("user" in publisher && user !== undefined) return wrongExclusion("user", "is for back ends");
  if (session === undefined && user === undefined && device === undefined)
    return wrongExclusion("", "names nobody");
  if ("key" in publisher && device !== undefined && user === undefined)
    return wrongExclusion("device", "needs user: device ids are each user's own");
  return undefined;
}

function wrongExclusion(field: string, message: string): Refusal {
  const path = field === "" ? "exclude" : `exclude.${field}`;
  return refusal("bad_request", `${path}: ${message}`, [{ path, message }]);
}

function sizeRefusal(json: string, settings: Settings): Refusal | undefined {
  if (utf8Length(json) <= settings.MAX_DATA_BYTES) return undefined;
  return refusal("too_large", `data: at most ${settings.MAX_DATA_BYTES} bytes of JSON`);
}
