import type { Connection } from "../client/index.ts";

/** What a card shows of its connection, between its head and its drawers. */
export interface CardBody {
  readonly elements: readonly HTMLElement[];
  attach(connection: Connection): void;
  /** There is no connection any more. */
  detach(): void;
  focus(): void;
}
