/** Those that keep sockets: every fault has to meet them. */
export const KINDS = ["user", "channel", "relay"] as const;
export type Kind = (typeof KINDS)[number] | "directory";

/** What the simulator does to objects. Calls count for the object that is called. */
export const FAULTS = [
  "evicted",
  "crashed while idle",
  "crashed, writes lost",
  "crashed, writes kept",
  "crashed in a call",
  "deployed",
  "alarm late",
  "alarm repeated",
  "call dropped",
  "call delayed",
  "call repeated",
  "reply lost",
  "cut off from others",
  "connection cut",
  "client vanished",
  "storage lost",
] as const;
export type Fault = (typeof FAULTS)[number];

/** A relay is the truth about nothing but its sockets: only it may lose all that it has stored. */
export function mayMeet(fault: Fault, kind: Kind): boolean {
  return fault !== "storage lost" || kind === "relay";
}

/** How often each kind of fault met each kind of object: a fault that never happened proves nothing. */
export class FaultTable {
  readonly #counts = new Map<string, number>();

  count(fault: Fault, kind: Kind, times = 1): void {
    const key = `${fault}|${kind}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + times);
  }

  of(fault: Fault, kind: Kind): number {
    return this.#counts.get(`${fault}|${kind}`) ?? 0;
  }

  add(other: FaultTable): void {
    for (const fault of FAULTS) for (const kind of KINDS) this.count(fault, kind, other.of(fault, kind));
  }

  /** As plain data, for another process. */
  toJSON(): [string, number][] {
    return [...this.#counts];
  }

  static fromJSON(counts: [string, number][]): FaultTable {
    const table = new FaultTable();
    for (const [key, count] of counts) table.#counts.set(key, count);
    return table;
  }

  toString(): string {
    const head = "fault".padEnd(22) + KINDS.map((kind) => kind.toUpperCase().padStart(10)).join("");
    const rows = FAULTS.map((fault) => {
      const counts = KINDS.map((kind) => String(this.of(fault, kind)).padStart(10));
      return fault.padEnd(22) + counts.join("");
    });
    return [head, ...rows].join("\n");
  }
}
