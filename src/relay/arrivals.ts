import type { Settings } from "../config.ts";
import type { Connection } from "../connections/connection.ts";
import type { ChannelGrants } from "../connections/kept/channel-grants.ts";
import type { Endings } from "../connections/kept/endings.ts";
import type { Admitted, Entrance } from "../connections/kept/entrance.ts";
import { welcomeFrame } from "../connections/welcome.ts";
import type { Clock, ConnectRequest, Log, Socket } from "../objects/ports.ts";
import type { Entering, Place } from "../objects/relaying.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import type { Membership } from "./membership.ts";
import { RefusedTokens } from "./refused.ts";
import type { Stands } from "./stands.ts";
import type { Entered, Upward } from "./upward.ts";

interface Rooms {
  entrance: Entrance;
  endings: Endings;
  membership: Membership;
  upward: Upward;
  stands: Stands;
  grants: ChannelGrants;
}

/**
 * How a connection begins at a relay. Its user's object admits it, as everywhere; then the channel hears that it is
 * counted and says where it stands, in one call with all others that come meanwhile; then, in one turn, the socket
 * is accepted, welcomed, and live. Whatever dies in between leaves a row without a socket, which is over.
 */
export class Arrivals {
  readonly #log: Log;
  readonly #settings: Settings;
  readonly #rooms: Rooms;
  readonly #onLost: (connection: Connection) => void;
  readonly #refused: RefusedTokens;
  /** In memory: a crash ends them. */
  #underWay = 0;

  constructor(
    { clock, log }: { clock: Clock; log: Log },
    settings: Settings,
    rooms: Rooms,
    onLost: (connection: Connection) => void,
  ) {
    this.#log = log;
    this.#refused = new RefusedTokens(clock);
    this.#settings = settings;
    this.#rooms = rooms;
    this.#onLost = onLost;
  }

  /** Somebody is about to be connected. */
  get isAnyUnderWay(): boolean {
    return this.#underWay > 0;
  }

  /** `onOpened` comes before the welcome. Resolves with why not, if not. */
  async arrive(
    request: ConnectRequest,
    accept: () => Socket,
    onOpened: (connection: Connection) => void,
  ): Promise<Refusal | undefined> {
    const refused = this.#refused.refusalOf(tokenOf(request));
    if (refused !== undefined) return refused;
    this.#underWay += 1;
    try {
      const admitted = await this.#rooms.entrance.ask(request);
      if (isRefusal(admitted)) return admitted;
      return await this.#enter(admitted, request, (entered, isAsked) => {
        const connection = this.#rooms.entrance.open(admitted, request, accept);
        if (isRefusal(connection)) return connection;
        onOpened(connection);
        const head = welcomeFrame(connection, this.#settings);
        const asked = { recover: request.recover, isAsked };
        if (!this.#rooms.stands.tell(connection, head, asked, entered)) this.#onLost(connection);
        return undefined;
      });
    } finally {
      this.#underWay -= 1;
    }
  }

  async #enter(
    { row, member }: Admitted,
    request: ConnectRequest,
    open: (entered: Entered & { place: Place }, isAsked: boolean) => Refusal | undefined,
  ): Promise<Refusal | undefined> {
    const { membership, endings, upward } = this.#rooms;
    const { session, user } = row;
    if (request.hint !== undefined) membership.comesFrom(session, request.hint);
    membership.admitted(user, member);
    membership.put(row);
    const entering = this.#entering(session, request);
    const entered = await upward.enter(entering).catch((cause: unknown) => {
      this.#log.warn("channel did not answer a newcomer", { session }, cause);
      return undefined;
    });
    if (entered === undefined || isRefusal(entered.place)) endings.end(session, "refused");
    if (entered === undefined) return refusal("unavailable", "try again in a moment");
    const { place, standing } = entered;
    if (!isRefusal(place)) return open({ place, standing }, entering.wanted !== undefined);
    this.#refused.keep(tokenOf(request), place);
    return place;
  }

  #entering(session: string, { user, device, claims, recover, rewind }: ConnectRequest): Entering {
    const mayHistory = this.#rooms.grants.allows(claims, "history");
    const wanted = { ...(recover && { recover }), ...(rewind !== undefined && { rewind }), mayHistory };
    const who = { session, user, ...(device.id !== undefined && { device: device.id }) };
    return { ...who, issuedAt: claims.iat ?? null, ...this.#rooms.stands.toAsk(wanted) };
  }
}

function tokenOf({ user, claims }: ConnectRequest): { user: string; issuedAt: number } {
  return { user, issuedAt: claims.iat ?? 0 };
}
