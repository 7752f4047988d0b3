import { createApp } from "./http/app.ts";
import { scheduled } from "./maintenance/scheduled.ts";

export { ChannelObject } from "./channel/channel-object.ts";
export { DirectoryObject } from "./directory/directory-object.ts";
export { RelayObject } from "./relay/relay-object.ts";
export { UserObject } from "./user/user-object.ts";

export default { fetch: createApp().fetch, scheduled };
