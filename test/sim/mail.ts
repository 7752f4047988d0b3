import type { DirectMessage } from "../../src/protocol/inbox.ts";

/** A direct message that somebody sent: its data is like no other's, and a retry repeats it. */
export interface Letter {
  sender: string;
  to: string;
  data: string;
  key?: string;
  /** Of its first try. */
  issuedAt: number;
  /** What an answer said; absent as long as nobody knows whether it was stored. */
  id?: string;
}

/** What is sure about one device of a user. */
interface KnownDevice {
  /** When its first client was welcomed: what is sent after that waits for it. */
  since: number;
  /** Up to where an acknowledgement of it is sure to have been carried out. */
  acked: number;
  /** Ids that some session of it was told. */
  readonly told: Set<string>;
}

/** All direct messages of a run, as far as clients know. Each method returns what is wrong, where something is. */
export class Mail {
  readonly #letters: Letter[] = [];
  /** What each id stands for, for each user. */
  readonly #contents = new Map<string, { seq: number; data: string }>();
  readonly #devices = new Map<string, KnownDevice>();
  /** The highest that any device of a user has said it is done with. */
  readonly #said = new Map<string, number>();
  /** When each user was last erased; `Infinity` while that is not known. */
  readonly #erasedAt = new Map<string, number>();
  toldInAll = 0;
  repeatsInAll = 0;

  post(letter: Letter): Letter {
    this.#letters.push(letter);
    return letter;
  }

  /** Letters of this sender under a key, which may be sent again. */
  keyed(sender: string): Letter[] {
    return this.#letters.filter((letter) => letter.sender === sender && letter.key !== undefined);
  }

  answered(letter: Letter, { id, seq }: { id: string; seq: number }, now: number): string | undefined {
    if (letter.issuedAt > this.#erased(letter.to, now)) letter.id = id;
    return this.#stands(letter.to, { id, seq, data: letter.data });
  }

  told(user: string, device: string, message: DirectMessage): string | undefined {
    this.toldInAll++;
    const known = this.#devices.get(`${user} ${device}`);
    if (known?.told.has(message.id)) this.repeatsInAll++;
    known?.told.add(message.id);
    return this.#stands(user, { ...message, data: String(message.data) });
  }

  /** A connection of this device was welcomed that had begun at `startedAt`. */
  welcomed(user: string, device: string, startedAt: number, inbox: { acked: number }, now: number) {
    if (inbox.acked > (this.#said.get(user) ?? 0)) {
      return `inbox: ${device} of ${user} is said to be done with ${inbox.acked}, which nobody said`;
    }
    if (startedAt <= this.#erased(user, now)) return undefined;
    const known = this.#devices.get(`${user} ${device}`);
    if (known === undefined) {
      this.#devices.set(`${user} ${device}`, { since: now, acked: 0, told: new Set() });
    } else if (inbox.acked < known.acked) {
      return `inbox: ${device} of ${user} was done with ${known.acked}, and is back at ${inbox.acked}`;
    }
    return undefined;
  }

  says(user: string, seq: number): void {
    this.#said.set(user, Math.max(seq, this.#said.get(user) ?? 0));
  }

  /** An acknowledgement that was asked for at `askedAt` was answered. */
  acknowledged(user: string, device: string, seq: number, askedAt: number, now: number): void {
    const known = this.#devices.get(`${user} ${device}`);
    if (known !== undefined && known.since <= askedAt && askedAt > this.#erased(user, now)) {
      known.acked = Math.max(known.acked, seq);
    }
  }

  /** The user is being erased, or was: what was sent before waits for nobody any more. */
  erased(user: string, at: number): void {
    this.#erasedAt.set(user, at);
    for (const key of this.#devices.keys()) if (key.startsWith(`${user} `)) this.#devices.delete(key);
    for (const letter of this.#letters) if (letter.to === user) delete letter.id;
  }

  /** Letters to this user that are stored for sure and were sent when this device was known, and that it was not told. */
  missing(user: string, device: string): Letter[] {
    const known = this.#devices.get(`${user} ${device}`);
    if (known === undefined) return [];
    return this.#letters.filter(
      ({ to, id, issuedAt }) =>
        to === user && id !== undefined && issuedAt >= known.since && !known.told.has(id),
    );
  }

  #erased(user: string, now: number): number {
    return Math.min(this.#erasedAt.get(user) ?? -1, now);
  }

  /** One id is one message for ever, and what was sent under a key has one id for each inbox that a user had. */
  #stands(user: string, { id, seq, data }: { id: string; seq: number; data: string }): string | undefined {
    const known = this.#contents.get(id);
    if (known !== undefined && (known.seq !== seq || known.data !== data)) {
      return `inbox: ${id} of ${user} is ${seq} ${data}, and was ${known.seq} ${known.data}`;
    }
    this.#contents.set(id, { seq, data });
    const isKeyed = this.#letters.some((letter) => letter.data === data && letter.key !== undefined);
    if (!isKeyed || known !== undefined) return undefined;
    const inboxOf = (text: string) => text.slice(0, text.lastIndexOf("-"));
    for (const [other, content] of this.#contents) {
      if (other !== id && content.data === data && inboxOf(other) === inboxOf(id)) {
        return `inbox: ${data} was sent under a key, and is both ${other} and ${id}`;
      }
    }
    return undefined;
  }
}
