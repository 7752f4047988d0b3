import type { PresenceChange } from "../../src/protocol/presence.ts";
import type { Crowd } from "./clients.ts";
import type { SimulatedConnection } from "./connection.ts";
import { granted } from "./granted.ts";
import type { Letter } from "./mail.ts";
import type { Order } from "./orders.ts";
import type { World } from "./world.ts";

/** Gives orders, as the Worker passes them on from users and back ends, and notes what was acknowledged. */
export class Operator {
  readonly #world: World;
  readonly #crowd: Crowd;
  /** Revocations that met a live connection of their user. */
  revokedAlive = 0;

  constructor(world: World, crowd: Crowd) {
    this.#world = world;
    this.#crowd = crowd;
  }

  endSession({ user, session }: SimulatedConnection): void {
    if (session === undefined) return;
    this.#give({ is: "session ended", user, session }, () => this.#world.user(user).endSession(session));
  }

  endAll(user: string): void {
    this.#give({ is: "all ended", user }, () => this.#world.user(user).endAll({ revoke: false }));
  }

  revoke(user: string): void {
    if (this.#crowd.live().some((connection) => connection.user === user)) this.revokedAlive++;
    this.#give({ is: "revoked", user }, () => this.#world.user(user).endAll({ revoke: true }));
  }

  /** Of somebody who is there; nothing where nobody is. */
  revokeSomebody(): void {
    const connection = this.#world.random.pick(this.#crowd.live());
    if (connection !== undefined) this.revoke(connection.user);
  }

  erase(user: string): void {
    this.#forgetWatches(user);
    this.#crowd.mail.erased(user, Number.POSITIVE_INFINITY);
    this.#give({ is: "erased", user }, async () => {
      try {
        await this.#world.user(user).erase();
        this.#forgetWatches(user);
      } finally {
        this.#crowd.mail.erased(user, this.#world.now); // one that failed may have been carried out
      }
    });
  }

  removeMember(user: string, channel: string): void {
    this.#give({ is: "removed", user, channel }, () => this.#world.channel(channel).removeMember(user));
  }

  /** As a back end. */
  send(letter: Letter): void {
    const { sender, to, data, key } = letter;
    const once = key === undefined ? {} : { once: { principal: sender, key } };
    this.#world.journal.write(`${sender} sends ${to}: ${data}`);
    this.#world
      .user(to)
      .send({ event: "message", dataJson: JSON.stringify(data), sender, ...once })
      .then(
        (sent) => {
          const wrong = this.#crowd.mail.answered(letter, granted(sent), this.#world.now);
          if (wrong !== undefined) this.#world.journal.fail(wrong);
        },
        () => {}, // the object crashed: it may or may not have been stored
      );
  }

  /** Over HTTP, as a user. */
  acknowledge({ user, inbox: { device } }: SimulatedConnection, seq: number): void {
    const { mail } = this.#crowd;
    const askedAt = this.#world.now;
    mail.says(user, seq);
    const ack = { seq, ...(device !== "" && { device }) };
    this.#world
      .user(user)
      .ackInbox(ack)
      .then(
        () => mail.acknowledged(user, device, seq, askedAt, this.#world.now),
        () => {},
      );
  }

  setPresence(user: string, change: PresenceChange): void {
    this.#world.journal.write(`${user} is said to be ${JSON.stringify(change)}`);
    this.#world
      .user(user)
      .setPresence(change)
      .catch(() => {}); // the object crashed while it answered
  }

  watch(user: string, target: string): void {
    const { httpWatches } = this.#crowd;
    const asked = httpWatches.asked(user, target);
    this.#world.journal.write(`${user} watches ${target} over HTTP`);
    this.#world
      .user(user)
      .watch(target)
      .then(
        (answer) => httpWatches.watched(asked, answer),
        () => httpWatches.done(asked), // the object crashed while it answered
      );
  }

  unwatch(user: string, target: string): void {
    const { httpWatches } = this.#crowd;
    const asked = httpWatches.asked(user, target);
    this.#world.journal.write(`${user} watches ${target} no longer over HTTP`);
    const done = () => httpWatches.done(asked);
    this.#world.user(user).unwatch(target).then(done, done);
  }

  /** An erased user is watched by nobody, and watches nobody. */
  #forgetWatches(user: string): void {
    this.#crowd.httpWatches.forget(user);
    for (const { watched } of this.#crowd.seen) watched.forget(user);
  }

  #give(order: Omit<Order, "at" | "doneAt">, carryOut: () => Promise<unknown>): void {
    const given: Order = { ...order, at: this.#world.now };
    this.#crowd.orders.give(given);
    this.#world.journal.write(`order: ${order.is} ${order.user} ${order.session ?? order.channel ?? ""}`);
    carryOut().then(
      (found) => {
        if (found !== false) given.doneAt = this.#world.now;
      },
      () => {}, // the object crashed: it may or may not have been carried out
    );
  }
}
