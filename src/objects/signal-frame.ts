import type { SignalRequest } from "./said.ts";
import { spliced } from "./spliced.ts";

/** The frame that tells a signal, to a channel where one is named. */
export function signalFrame({ event, dataJson, from }: SignalRequest, channel?: string): string {
  const fields = { type: "signal", event, ...(channel && { channel }), ...(from && { from }) };
  return dataJson === undefined ? JSON.stringify(fields) : spliced(fields, "data", dataJson);
}
