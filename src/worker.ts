import { consume } from "./events/queues.ts";
import { createApp } from "./http/app.ts";
import { scheduled } from "./maintenance/scheduled.ts";

export { ChannelObject } from "./channel/channel-object.ts";
export { DirectoryObject } from "./directory/directory-object.ts";
export { WebhookObject } from "./events/webhook-object.ts";
export { RelayObject } from "./relay/relay-object.ts";
export { UserObject } from "./user/user-object.ts";

const app = createApp();

export default {
  fetch: app.fetch,
  queue: (batch: MessageBatch, env: Env) => consume(batch, env),
  scheduled,
};
