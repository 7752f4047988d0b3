/** How a message came: as it was said, after a reconnect, or read from before the connection. */
export type Way = "live" | "recovered" | "earlier";

/** What a welcome says of the channel's log. */
export interface Stand {
  epoch?: string | undefined;
  offset?: number | undefined;
  recovered?: boolean | undefined;
}

/** What a reconnect told: `recovered` from `after` to `upTo`, or a `gap` there; in another epoch nothing before counts. */
export interface Told {
  kind: "recovered" | "gap";
  after: number;
  upTo: number;
  isNewEpoch: boolean;
}

/** Tells for one connection of one channel how each of its messages came. Pure but for its memory. */
export class Provenance {
  #epoch: string | undefined;
  /** The newest seen, or where it began. */
  #last = 0;
  /** Up to here what comes now was said while the connection was away. */
  #recoverTo = 0;

  /** A welcome; answers what it tells of the time between, if there was one in which something was said. */
  welcomed({ epoch, offset, recovered }: Stand): Told | undefined {
    if (epoch === undefined || offset === undefined) return undefined;
    const isFirst = this.#epoch === undefined;
    const isNewEpoch = !isFirst && epoch !== this.#epoch;
    const after = this.#last;
    this.#epoch = epoch;
    if (isFirst || recovered !== true) this.#last = offset;
    this.#recoverTo = !isFirst && recovered === true ? offset : 0;
    if (isFirst) return undefined;
    if (recovered !== true) return { kind: "gap", after, upTo: offset, isNewEpoch };
    return offset > after ? { kind: "recovered", after, upTo: offset, isNewEpoch } : undefined;
  }

  /** A message that the connection told, with its offset. */
  heard(offset: number): Way {
    this.#last = Math.max(this.#last, offset);
    return offset <= this.#recoverTo ? "recovered" : "live";
  }
}
