import { mapAtMost } from "../objects/at-most.ts";
import {
  type AuditRequest,
  addNumbers,
  earlier,
  nothingRemoved,
  type SweepPage,
  type SweepRequest,
} from "../objects/auditing.ts";
import type { Log, Objects } from "../objects/ports.ts";
import type { EntryTable, Listed } from "./entry-table.ts";

/** Calls at once. */
const MOST_CALLS = 10;

/** Asks those who are listed to look after themselves. One that does not answer holds up nobody but its own lane. */
export class Rounds {
  readonly #ports: { objects: Objects; log: Log };
  readonly #table: EntryTable;

  constructor(ports: { objects: Objects; log: Log }, table: EntryTable) {
    this.#ports = ports;
    this.#table = table;
  }

  /** Behind an entry, or the stretch whose turn it is: of as many as it takes, one after the other. */
  async go({ parts, turn, limit, after }: SweepRequest): Promise<SweepPage> {
    if (after === undefined) {
      const count = this.#table.count("user").entries + this.#table.count("channel").entries;
      const stretches = Math.max(1, Math.ceil(count / limit));
      return this.#ask(this.#table.listed(limit, (turn % stretches) * limit), { parts, turn });
    }
    const entries = this.#table.listedAfter(entryOf(after), limit);
    const page = await this.#ask(entries, { parts, turn });
    const last = entries.at(-1);
    return last === undefined || entries.length < limit ? page : { ...page, next: keyOf(last) };
  }

  async #ask(entries: readonly Listed[], request: AuditRequest): Promise<SweepPage> {
    const page: SweepPage = {
      asked: entries.length,
      unanswered: 0,
      removed: nothingRemoved(),
      presences: 0,
      differences: { sessions: 0, watches: 0, subscriptions: 0 },
      owedSince: null,
    };
    await mapAtMost(MOST_CALLS, entries, async ({ kind, name }) => {
      const { objects, log } = this.#ports;
      try {
        const asked = kind === "user" ? objects.user(name) : objects.channel(name);
        const audited = await asked.audit(request);
        addNumbers(page.removed, audited.removed);
        addNumbers(page.differences, audited.differences);
        page.unanswered += audited.unanswered;
        page.owedSince = earlier(page.owedSince, audited.owedSince);
        if (!audited.isHere && request.parts.includes("presences")) page.presences += 1;
      } catch (cause) {
        log.warn("audit not answered", { kind }, cause);
        page.unanswered += 1;
      }
    });
    return page;
  }
}

/** No name holds a blank. The first one comes before all others. */
function keyOf({ kind, name }: Listed): string {
  return `${kind} ${name}`;
}

function entryOf(key: string): { kind: string; name: string } {
  const [kind = "", name = ""] = key.split(" ");
  return { kind, name };
}
