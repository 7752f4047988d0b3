import type { Crowd } from "./clients.ts";
import type { Credentials } from "./credentials.ts";
import type { World } from "./world.ts";

/** A client may ask for one of its last sessions: some live, others ended. */
const SESSIONS_HELD = 4;

/** HTTP requests of users: whether their token, ticket and session count is asked before anything is done. */
export class Requests {
  readonly #world: World;
  readonly #crowd: Crowd;
  allowed = 0;

  constructor(world: World, crowd: Crowd) {
    this.#world = world;
    this.#crowd = crowd;
  }

  /** Asks the user's object, with whatever a client may hold. */
  ask(user: string): void {
    const { random } = this.#world;
    const credentials = this.#crowd.issuer.any(user);
    const own = this.#crowd.seen.filter((connection) => connection.user === user).slice(-SESSIONS_HELD);
    const session = random.chance(0.5) ? random.pick(own)?.session : undefined;
    if (credentials.ticket !== undefined) this.#crowd.tickets.presented(credentials.ticket.id);
    this.#allow(user, credentials, session).catch(() => {}); // the object crashed while it answered
  }

  /** Reads a channel in a user's name. */
  read(user: string, channel: string): void {
    const { iat = null } = this.#crowd.issuer.anyToken(user);
    this.#read(user, channel, iat).catch(() => {});
  }

  async #allow(user: string, { claims, ticket }: Credentials, session: string | undefined): Promise<void> {
    const { orders, tickets } = this.#crowd;
    const use = { user, issuedAt: claims.iat ?? null };
    const isRevoked = orders.mustRefuse(use, this.#world.now);
    const isUsed = ticket !== undefined && tickets.isUsed(ticket.id);
    const isOver = this.#isOver(session);
    const request = { issuedAt: use.issuedAt, ...(ticket && { ticket }), ...(session && { session }) };
    const answer = await this.#world.user(user).allow(request);
    if (answer.allowed) {
      this.allowed++;
      if (ticket !== undefined) tickets.used(ticket.id, "a request");
      if (isRevoked) this.#fail(`revoked for good: a token of ${user} was allowed after it was revoked`);
      if (isUsed) this.#fail(`tickets once: ${ticket?.id} of ${user} was allowed after it was used`);
      if (isOver) this.#fail(`orders: ${session} of ${user} was allowed to go on after it had ended`);
      return;
    }
    const { code } = answer.refused;
    if (code === "session_gone" && session !== undefined) return;
    if (code === "token_revoked" && orders.mayRefuse(use)) return;
    if (ticket !== undefined && code === "token_invalid" && tickets.mayBeUsed(ticket.id)) return;
    if (ticket !== undefined && code === "token_expired" && ticket.expiresAt <= this.#world.now) return;
    this.#fail(`a request of ${user} was refused with ${code}, for no reason`);
  }

  async #read(user: string, channel: string, issuedAt: number | null): Promise<void> {
    const use = { user, issuedAt, channel };
    const isRemoved = this.#crowd.orders.mustRefuse(use, this.#world.now, ({ is }) => is === "removed");
    const answer = await this.#world.channel(channel).history({ limit: 1, order: "desc" }, use);
    if ("messagesJson" in answer && isRemoved)
      this.#fail(`orders: ${user} was removed, and reads ${channel}`);
  }

  #isOver(session: string | undefined): boolean {
    const connection = this.#crowd.seen.find((one) => one.session === session);
    if (session === undefined || connection === undefined) return false;
    const atUser = ({ is }: { is: string }) => is !== "removed";
    return this.#crowd.orders.mustBeOver(connection.sessionUse, this.#world.now, atUser);
  }

  #fail(sentence: string): void {
    this.#world.journal.fail(sentence);
  }
}
