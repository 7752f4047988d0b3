import { spliced } from "../../objects/spliced.ts";
import type { Subscribed } from "../../objects/subscribing.ts";
import type { Ref } from "../../protocol/client-frames.ts";

/** Where a session stands, as a text frame; without `ref` it answers nobody. Messages stay the text that they are. */
export function subscribedFrame(
  channel: string,
  { epoch, offset, recovered, messagesJson, count, members, cursor }: Subscribed,
  mayHearRoster: boolean,
  ref?: Ref,
): string {
  const answered = ref === undefined ? {} : { ref };
  const head = { type: "subscribed", ...answered, channel, epoch, offset, recovered };
  const roster = mayHearRoster ? { members, ...(cursor === undefined ? {} : { cursor }) } : {};
  return spliced(head, "messages", messagesJson, { count, ...roster });
}
