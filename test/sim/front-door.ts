import { connectPlaced, KnownRelays } from "../../src/http/placing.ts";
import { Problem } from "../../src/http/problem.ts";
import type { ConnectRequest } from "../../src/objects/ports.ts";
import { elsewhereResponse } from "../../src/objects/sealed.ts";
import type { Kind } from "./fault-table.ts";
import { type Answered, KeeperEvents } from "./keeper-events.ts";
import { Link, type Peer } from "./link.ts";
import type { Nature } from "./nature.ts";
import { drained, type SimulatedObject } from "./simulated-object.ts";

/** Isolates of the Worker: what one has heard of relays, the other has not. */
const ISOLATES = 2;
/** From the Worker to an object, and back. */
const FORWARDED_MS = [1, 15] as const;

/** A connection that is on its way to a keeper. */
interface Wanted {
  link: Link;
  name: string;
}

/** The Worker, as far as connections go: it brings each to a keeper, and to which one its own rules say. */
export class FrontDoor {
  readonly #nature: Nature;
  readonly #objectOf: (kind: Kind, name: string) => SimulatedObject;
  readonly #isolates: KnownRelays[];

  constructor(nature: Nature, objectOf: (kind: Kind, name: string) => SimulatedObject) {
    this.#nature = nature;
    this.#objectOf = objectOf;
    this.#isolates = Array.from(
      { length: ISOLATES },
      () => new KnownRelays(() => this.#nature.scheduler.now),
    );
  }

  /** A client asks for a connection; it notices the rest through `peer`. */
  connect(kind: Kind, name: string, request: ConnectRequest, peer: Peer): Link {
    const wanted = {
      name: `${request.user}@${kind}`,
      link: new Link(this.#nature, peer, `${request.user}@${kind}`),
    };
    const { link } = wanted;
    this.#nature.scheduler.after(link.latencyMs, async () => {
      if (kind === "channel") return this.#place(wanted, name, request);
      await this.#events(kind, name).upgrade(link, request, wanted.name, (answer) => settle(link, answer));
    });
    return link;
  }

  async #place(wanted: Wanted, channel: string, request: ConnectRequest): Promise<void> {
    const known = this.#nature.random.pick(this.#isolates);
    if (known === undefined) return;
    const keepers = {
      channel: (asked: ConnectRequest) => this.#ask(wanted, "channel", channel, asked),
      relay: (relay: string, _: unknown, asked: ConnectRequest) => this.#ask(wanted, "relay", relay, asked),
    };
    connectPlaced(channel, request, { keepers, known }).catch((cause: unknown) => {
      const { link } = wanted;
      if (!(cause instanceof Problem)) this.#nature.journal.fail(`placing ${wanted.name} failed`, cause);
      else settle(link, { is: "refused", code: cause.refusal.code });
    });
    await drained();
  }

  /** What is no word about where else to go is the client's, and leaves with the turn. */
  #ask({ link, name }: Wanted, kind: Kind, keeper: string, request: ConnectRequest): Promise<Response> {
    const { scheduler, random } = this.#nature;
    return new Promise((resolve) => {
      const answered = (answer: Answered) => {
        if (answer.is !== "elsewhere") settle(link, answer);
        const response = answer.is === "elsewhere" ? elsewhereLike(answer.relays) : new Response();
        scheduler.after(random.between(...FORWARDED_MS), async () => {
          resolve(response);
          await drained();
        });
      };
      scheduler.after(random.between(...FORWARDED_MS), () =>
        this.#events(kind, keeper).upgrade(link, request, name, answered),
      );
    });
  }

  #events(kind: Kind, name: string): KeeperEvents {
    return new KeeperEvents(this.#nature, this.#objectOf(kind, name));
  }
}

function settle(link: Link, answer: Answered): void {
  if (answer.is === "accepted") link.open();
  else link.refuse(answer.is === "refused" ? answer.code : "unavailable");
}

/** Read at once: a body that streams would take time that is not this world's. */
function elsewhereLike(relays: string[]): Response {
  const { headers } = elsewhereResponse({ relays });
  return { headers, json: async () => ({ relays }) } as unknown as Response;
}
