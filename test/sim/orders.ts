/** A call from outside takes no longer to arrive, and is carried out or lost then. */
const ARRIVES_WITHIN_MS = 30;

/** What somebody asked of a user's object or a channel: to end sessions, or tokens with them. */
export interface Order {
  is: "session ended" | "all ended" | "revoked" | "erased" | "removed";
  user: string;
  /** Of `session ended`. */
  session?: string;
  /** Of `removed`. */
  channel?: string;
  at: number;
  /** When it was acknowledged; one that failed may have been carried out. */
  doneAt?: number;
}

/** What an order is about, where it is about a token: whose, issued when, and where it is used. */
export interface TokenUse {
  user: string;
  /** In seconds; null where the token does not say. */
  issuedAt: number | null;
  /** Where it is used on a channel. */
  channel?: string;
}

/** What an order is about, where it is about a session. */
export interface SessionUse {
  user: string;
  session: string;
  /** When it asked to begin, and when its client knew that it had. */
  startedAt: number;
  welcomedAt: number;
  channel?: string;
}

const any = () => true;

/** Every order of a run: what must be over because of them, and what may be. */
export class Orders {
  readonly #given: Order[] = [];

  give(order: Order): void {
    this.#given.push(order);
  }

  get given(): readonly Order[] {
    return this.#given;
  }

  /** Whether this token had lost its use for good at `by`, as far as anybody was told. */
  mustRefuse(use: TokenUse, by: number, which: (order: Order) => boolean = any): boolean {
    return this.#given.some(
      (order) =>
        which(order) && endsTokens(order, use) && isDone(order, by) && isIssuedBy(use, order.doneAt ?? 0),
    );
  }

  /** Whether an order, acknowledged or not, is a reason to refuse this token. */
  mayRefuse(use: TokenUse): boolean {
    return this.#given.some(
      (order) => endsTokens(order, use) && isIssuedBy(use, order.at + ARRIVES_WITHIN_MS),
    );
  }

  /** Whether an order that was acknowledged by then has ended this session, which was welcomed before it. */
  mustBeOver(use: SessionUse, by: number, which: (order: Order) => boolean = any): boolean {
    return this.#given.some(
      (order) => which(order) && endsSession(order, use) && isDone(order, by) && use.welcomedAt <= order.at,
    );
  }

  /** The same, where the object that carried it out keeps the session itself: nothing lies in between. */
  mustBeOverAtItsKeeper(use: SessionUse, by: number): boolean {
    return this.mustBeOver(use, by, ({ is }) => (is === "removed") === (use.channel !== undefined));
  }

  /** Whether an order is a reason to end this session. */
  mayEnd(use: Omit<SessionUse, "welcomedAt">, which: (order: Order) => boolean = any): boolean {
    return this.#given.some(
      (order) => which(order) && endsSession(order, use) && use.startedAt <= order.at + ARRIVES_WITHIN_MS,
    );
  }
}

function endsTokens(order: Order, { user, channel }: TokenUse): boolean {
  if (order.user !== user) return false;
  return order.is === "revoked" || (order.is === "removed" && order.channel === channel);
}

function endsSession(order: Order, { user, session, channel }: Omit<SessionUse, "welcomedAt">): boolean {
  if (order.user !== user) return false;
  if (order.is === "session ended") return order.session === session;
  return order.is !== "removed" || order.channel === channel;
}

function isDone({ doneAt }: Order, by: number): boolean {
  return doneAt !== undefined && doneAt <= by;
}

function isIssuedBy({ issuedAt }: TokenUse, at: number): boolean {
  return issuedAt === null || issuedAt <= Math.floor(at / 1000);
}
