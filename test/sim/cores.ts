import { Channel } from "../../src/channel/channel.ts";
import { Directory } from "../../src/directory/directory.ts";
import { Relay } from "../../src/relay/relay.ts";
import { User } from "../../src/user/user.ts";
import type { Cores } from "./nature.ts";

/** The rules as they are. To be imported once a mutant is in place. */
export const CORES: Cores = { user: User, channel: Channel, relay: Relay, directory: Directory };
