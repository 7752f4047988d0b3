import type { Settings } from "../config.ts";
import type { From, PublishBody, SignalBody } from "../protocol/bodies.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";
import { notAvailable } from "../protocol/later.ts";
import { utf8Length } from "../protocol/utf8.ts";
import type { PublishRequest, SignalRequest } from "./ports.ts";

/** What a publish asks of a channel, encoded once for its log and all its receivers; or why it can't be. */
export function publishRequest(
  body: PublishBody,
  from: From | undefined,
  settings: Settings,
): PublishRequest | Refusal {
  for (const later of ["key", "exclude", "ttlSeconds"] as const) {
    if (body[later] !== undefined) return notAvailable(later);
  }
  const dataJson = JSON.stringify(body.data);
  const tooLarge = sizeRefusal(dataJson, settings);
  if (tooLarge !== undefined) return tooLarge;
  return { event: body.event, dataJson, ...(from === undefined ? {} : { from }) };
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

function sizeRefusal(json: string, settings: Settings): Refusal | undefined {
  if (utf8Length(json) <= settings.MAX_DATA_BYTES) return undefined;
  return refusal("too_large", `data: at most ${settings.MAX_DATA_BYTES} bytes of JSON`);
}
