import type { DirectMessage } from "../../src/protocol/inbox.ts";
import type { Mail } from "./mail.ts";

/** What one connection is told of its user's inbox: in the order of `seq`, and nothing that its device is done with. */
export class InboxReading {
  readonly #mail: Mail;
  readonly #user: string;
  readonly device: string;
  /** The highest `seq` that it was told. */
  reached = 0;
  #acked = 0;

  constructor(mail: Mail, user: string, device: string) {
    this.#mail = mail;
    this.#user = user;
    this.device = device;
  }

  welcomed(inbox: { latest: number; acked: number }, startedAt: number, now: number): string | undefined {
    this.#acked = inbox.acked;
    if (inbox.acked > inbox.latest) return `inbox: done with ${inbox.acked} of ${inbox.latest}`;
    return this.#mail.welcomed(this.#user, this.device, startedAt, inbox, now);
  }

  told(message: DirectMessage): string | undefined {
    const { seq } = message;
    if (seq <= this.reached) return `inbox: ${seq} came after ${this.reached}`;
    if (seq <= this.#acked) return `inbox: ${seq} came, and ${this.#acked} was acknowledged`;
    this.reached = seq;
    return this.#mail.told(this.#user, this.device, message);
  }
}
