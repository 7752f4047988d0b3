import { targetName } from "../events/target-name.ts";
import { webhookOf } from "../objects/stubs.ts";
import type { WebhookPort } from "../objects/webhook-port.ts";
import type { AppContext } from "./context.ts";

/** The object of the target that is set now; undefined where none is. */
export async function webhookIn(context: AppContext): Promise<WebhookPort | undefined> {
  const { WEBHOOK_URL: url } = context.get("settings");
  return url === undefined ? undefined : webhookOf(context.env, await targetName(url));
}
