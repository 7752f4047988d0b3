import type { Connection } from "../client/index.ts";
import { element } from "./elements.ts";
import { RoundTrips } from "./round-trips.ts";
import { Sparkline } from "./sparkline.ts";

const EVERY_MS = 1_000;

/** What the cards of this page do together: connections, frames delivered in a second, and the way of a message. */
export class PageFigures {
  readonly element: HTMLElement;
  readonly #connections = new Sparkline("Connections");
  readonly #deliveries = new Sparkline("Deliveries", "/s");
  readonly #latency = new Sparkline("Latency", " ms", "from publish to own receive");
  readonly #roundTrips = new RoundTrips((ms) => this.#latency.push(ms));
  readonly #open = new Set<Connection>();
  #delivered = 0;

  constructor() {
    const charts = [this.#connections, this.#deliveries, this.#latency].map((chart) => chart.element);
    this.element = element("section", { class: "figures", "aria-label": "Figures of this page" }, ...charts);
    setInterval(() => {
      this.#connections.push(this.#open.size);
      this.#deliveries.push(this.#delivered);
      this.#delivered = 0;
    }, EVERY_MS);
  }

  /** Counts this connection, and what it hears. */
  attach(connection: Connection): void {
    connection.on("status", ({ name }) => {
      if (name === "open") this.#open.add(connection);
      else this.#open.delete(connection);
      this.#connections.amend(this.#open.size);
    });
    for (const event of ["message", "members", "signal", "presence", "direct", "broadcast"] as const) {
      connection.on(event, () => {
        this.#delivered++;
      });
    }
    connection.on("message", ({ id, from }) => {
      const { state } = connection;
      const isOwn = state.name === "open" && from?.session === state.session;
      if (isOwn) this.#roundTrips.heard(id, performance.now());
    });
  }

  /** A publish of a card became the message `id`; `begunAt` is on the clock of `performance.now`. */
  published(id: string, begunAt: number): void {
    this.#roundTrips.answered(id, begunAt);
  }
}
