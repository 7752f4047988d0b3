/** Publishes whose answer or message is still awaited; older ones never come. */
const MAX_AWAITED = 50;

/** How long a message takes from its publish until its own author hears it. Which message it is, only the answer says. */
export class RoundTrips {
  readonly #heardAt = new Map<string, number>();
  readonly #begunAt = new Map<string, number>();
  readonly #tell: (ms: number) => void;

  constructor(tell: (ms: number) => void) {
    this.#tell = tell;
  }

  /** The author's own connection heard this message. */
  heard(id: string, now: number): void {
    const begunAt = this.#begunAt.get(id);
    if (begunAt === undefined) keep(this.#heardAt, id, now);
    else this.#tell(now - begunAt);
    this.#begunAt.delete(id);
  }

  /** The publish that began at `begunAt` became this message. */
  answered(id: string, begunAt: number): void {
    const heardAt = this.#heardAt.get(id);
    if (heardAt === undefined) keep(this.#begunAt, id, begunAt);
    else this.#tell(heardAt - begunAt);
    this.#heardAt.delete(id);
  }
}

function keep(map: Map<string, number>, id: string, value: number): void {
  map.set(id, value);
  const [oldest] = map.keys();
  if (map.size > MAX_AWAITED && oldest !== undefined) map.delete(oldest);
}
