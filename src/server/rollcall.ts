import { HttpAsking, type RollcallOptions } from "./asking.ts";
import { Gathering } from "./gathering.ts";
import { Requests } from "./requests.ts";

/** What became of each of these promises, in the same places. */
type Settled<Promises extends readonly unknown[]> = {
  -readonly [Place in keyof Promises]: PromiseSettledResult<Awaited<Promises[Place]>>;
};

/**
 * Rollcall for back ends. It keeps no connection, so one for a whole process does, or one for each request.
 *
 * ```ts
 * const rollcall = new Rollcall({ url: "https://presence.example.com", apiKey });
 * await rollcall.channel("orders").publish({ id: 7 }, { event: "order.paid" });
 * await rollcall.user("ann").send({ id: 7 }, { event: "invoice", key: "invoice-7" });
 * ```
 *
 * What fails in passing is tried again, with growing random pauses or those that the service asks for: whatever may
 * have taken effect only where it does no harm twice. `Events` maps an event's name to the type of its data.
 */
export class Rollcall<Events extends object = Record<string, unknown>> extends Requests<Events> {
  readonly #options: RollcallOptions;
  readonly #asking: HttpAsking;

  /** Asks nothing yet. Throws a TypeError for options that can't be right. */
  constructor(options: RollcallOptions) {
    const asking = new HttpAsking(options);
    super(asking);
    this.#options = options;
    this.#asking = asking;
  }

  /**
   * Up to 100 requests in one. `ask` makes them, on what it is given, and returns their promises without waiting for
   * any; what became of each is told as by `Promise.allSettled`. Those about one user or channel happen in order. One
   * that is refused in passing is not tried again by itself: that would be out of order.
   *
   * ```ts
   * const [paid, told] = await rollcall.batch((together) => [
   *   together.channel("orders").publish({ id: 7 }),
   *   together.user("ann").send({ id: 7 }),
   * ]);
   * ```
   */
  async batch<const Promises extends readonly Promise<unknown>[]>(
    ask: (together: Requests<Events>) => Promises,
  ): Promise<Settled<Promises>> {
    const gathering = new Gathering();
    const asked = Promise.allSettled(ask(new Requests<Events>(gathering)));
    await gathering.send(this.#asking);
    return asked as Promise<Settled<Promises>>;
  }

  /**
   * The same for what is done because of an event that a webhook told: the service counts how often one led to the
   * next, and ends what would go round for ever with `conflict`.
   */
  because(event: { hop: number }): Rollcall<Events> {
    return new Rollcall<Events>({ ...this.#options, hop: event.hop });
  }
}
