import { Webhook as Verifier } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, vi } from "vitest";
import { until } from "./client.ts";

export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

export interface HookEvent {
  id: string;
  hop: string | null;
  type: string;
  timestamp: number;
  data: Record<string, unknown>;
}

/** Stands where WEBHOOK_URL leads, and believes only what is signed. */
export class Hook {
  readonly received: HookEvent[] = [];
  status = 204;

  /** For a whole test file. */
  static install(): Hook {
    const hook = new Hook();
    beforeAll(() => {
      vi.stubGlobal("fetch", async (url: string, init: RequestInit) => hook.#receive(url, init));
    });
    beforeEach(() => {
      hook.status = 204;
    });
    afterAll(() => vi.unstubAllGlobals());
    return hook;
  }

  /** Each event once, as a consumer that goes by ids sees them, in the order in which they came about. */
  about(is: (event: HookEvent) => boolean): HookEvent[] {
    const known = new Map(this.received.filter(is).map((event) => [event.id, event]));
    return [...known.values()].sort((a, b) => versionOf(a) - versionOf(b) || a.timestamp - b.timestamp);
  }

  ofUser(user: string): HookEvent[] {
    return this.about(({ type, data }) => data.user === user && !type.startsWith("member."));
  }

  ofChannel(channel: string): HookEvent[] {
    return this.about(({ type, data }) => data.channel === channel && /^(member|channel)\./.test(type));
  }

  messagesOf(channel: string): HookEvent[] {
    return this.about(({ type, data }) => data.channel === channel && type === "message.published");
  }

  async until(isThere: () => boolean): Promise<void> {
    await until(isThere, 20_000);
  }

  async #receive(url: string, { headers, body }: RequestInit): Promise<Response> {
    if (url !== "https://hooks.example.com/rollcall") throw new Error(`${url} is not to be called`);
    const sent = headers as Record<string, string>;
    const parsed = new Verifier(SECRET).verify(String(body), sent) as Omit<HookEvent, "id" | "hop">;
    this.received.push({ id: sent["webhook-id"] ?? "", hop: sent["Rollcall-Hop"] ?? null, ...parsed });
    return new Response(null, { status: this.status });
  }
}

function versionOf({ data }: HookEvent): number {
  return Number(data.version ?? data.offset ?? data.seq ?? 0);
}
