import type { Settings } from "../config.ts";
import type { Connection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import { CatchUp } from "../connections/kept/catch-up.ts";
import type { ChannelGrants } from "../connections/kept/channel-grants.ts";
import { Hearers } from "../connections/kept/hearers.ts";
import type { Ports } from "../objects/ports.ts";
import type { Push, Standing } from "../objects/relaying.ts";
import { Feed } from "./feed.ts";
import { RelayPages } from "./pages.ts";
import { Remembering, rememberedBy } from "./remembering.ts";
import { Repairs } from "./repairs.ts";
import { Stands } from "./stands.ts";
import type { Upward } from "./upward.ts";

interface About {
  channel: string;
  settings: Settings;
  connections: Connections;
  grants: ChannelGrants;
  upward: Upward;
}

interface HearingRules {
  /** Somebody is here, or about to be, who hears. */
  isNeeded(): boolean;
  /** What this connection has missed can't be had: it has to come back. */
  lost(connection: Connection, text: string): void;
  due(): void;
}

/** What a relay hears of its channel and tells its connections, put together: live, caught up, and made good. */
export class Hearing {
  readonly stands: Stands;
  readonly catchUp: CatchUp;
  readonly #feed: Feed;
  readonly #repairs: Repairs;
  readonly #remembering: Remembering;
  readonly #connections: Connections;
  readonly #rules: HearingRules;

  constructor(ports: Ports, { channel, settings, ...rooms }: About, rules: HearingRules) {
    const { connections, upward } = rooms;
    this.#connections = connections;
    this.#rules = rules;
    this.#feed = new Feed(channel, rememberedBy(connections), {
      isNeeded: rules.isNeeded,
      tell: (said) => hearers.tell(said),
      missing: (offset) => this.#repairs.missing(offset),
      broken: () => this.#repairs.broken(),
      moved: () => {
        this.catchUp.againAll();
        this.#remembering.soon();
      },
    });
    const feed = this.#feed;
    const pages = new RelayPages(ports, { feed, upward }, (connection) => this.catchUp.again(connection));
    const lost = (connection: Connection) => rules.lost(connection, "fell behind");
    this.catchUp = new CatchUp(ports, { pages, connections }, { lost, due: rules.due });
    const ofHearers = { ...rooms, catchUp: this.catchUp };
    const hearers = new Hearers(channel, ofHearers);
    const sizes = { historySize: settings.HISTORY_SIZE, detailMax: settings.MEMBERS_DETAIL_MAX };
    this.stands = new Stands(ports.clock, { channel, ...sizes }, { ...ofHearers, feed, hearers });
    this.#remembering = new Remembering(ports, connections, () => feed.remembered);
    this.#repairs = new Repairs(
      ports,
      { feed, upward },
      {
        isNeeded: rules.isNeeded,
        lost: () => this.#loseAll("fell behind"),
        show: (standing) => this.stands.tellAll(standing),
      },
    );
  }

  /** Woken with connections of which nobody remembers what they were told: they come back, and recover. */
  awake(): void {
    if (this.#feed.at === undefined) this.#loseAll("its place is not known");
  }

  push(push: Push): void {
    this.#feed.push(push);
  }

  /** The channel has answered: what was told must come up to this. */
  answered(standing: Standing): void {
    if (!this.#rules.isNeeded()) return;
    this.#feed.begin(standing);
    this.#repairs.expect(standing);
  }

  /** A connection has opened: it may be the first that can remember the position. */
  opened(): void {
    this.#remembering.soon();
  }

  /** A connection has closed. */
  closed({ state }: Connection): void {
    if (state.relayed !== undefined) this.#remembering.soon();
  }

  /** Nobody is here: what comes next is told to whoever comes then. */
  forget(): void {
    this.#feed.forget();
  }

  #loseAll(text: string): void {
    for (const connection of [...this.#connections.all()]) this.#rules.lost(connection, text);
    this.#feed.forget();
  }
}
