import type { Connection } from "../../connections/connection.ts";

/** So much of an epoch tells logs apart: by chance two agree once in 16 million. */
const EPOCH_CHARACTERS = 4;

/** Where a session stands in a channel: what it was sent. */
export interface Position {
  /** The beginning of the log's epoch. */
  epoch: string;
  offset: number;
  /** Which roster it was told. */
  roster: string;
  /** Of the last delivery. */
  number: number;
}

/**
 * The positions of one connection, by slot. They live in the socket's attachment: they outlast sleep without a
 * row, and a crash that takes them takes the socket too. Two hundred are at most 6.4 KB.
 */
export class Positions {
  readonly #connection: Connection;
  readonly #positions = new Map<number, Position>();

  constructor(connection: Connection) {
    this.#connection = connection;
    for (const entry of connection.state.subscriptions.split(" ")) {
      const [slot, epoch, offset, roster, number] = entry.split(".");
      if (slot === undefined || offset === undefined || number === undefined) continue;
      const position = { epoch: epoch ?? "", offset: parseInt(offset, 36), roster: roster ?? "" };
      this.#positions.set(parseInt(slot, 36), { ...position, number: parseInt(number, 36) });
    }
  }

  of(slot: number): Position | undefined {
    return this.#positions.get(slot);
  }

  set(slot: number, { epoch, ...rest }: Position): void {
    this.#positions.set(slot, { ...rest, epoch: epoch.slice(0, EPOCH_CHARACTERS) });
    this.#keep();
  }

  delete(slot: number): void {
    if (this.#positions.delete(slot)) this.#keep();
  }

  #keep(): void {
    const entries = [...this.#positions].map(([slot, { epoch, offset, roster, number }]) =>
      [slot.toString(36), epoch, offset.toString(36), roster, number.toString(36)].join("."),
    );
    this.#connection.update({ subscriptions: entries.join(" ") });
  }
}

/** Whether a position is in this log. */
export function isIn(epoch: string, position: Position): boolean {
  return epoch.slice(0, EPOCH_CHARACTERS) === position.epoch;
}
