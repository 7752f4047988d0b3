import { now } from "./clock.ts";
import { HttpLane } from "./http-lane.ts";

/** What the parent asks for: the same request again and again, so many under way, for so long. */
export interface Flood {
  port: number;
  request: string;
  inFlight: number;
  ms: number;
}

/** What came of it. Times are of the machine's clock. */
export interface Flooded {
  published: number;
  refused: number;
  startedAt: number;
  endedAt: number;
  cpuMs: number;
}

/** A process of its own, so that who counts does not also publish. */
process.on("message", (flood: Flood) => {
  carryOut(flood).then(
    (flooded) => process.send?.({ flooded }),
    (cause: Error) => process.send?.({ failed: cause.message }),
  );
});

async function carryOut({ port, request, inFlight, ms }: Flood): Promise<Flooded> {
  const cpu = process.cpuUsage();
  const startedAt = now();
  const result = { published: 0, refused: 0 };
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      const lane = new HttpLane(port);
      while (now() - startedAt < ms) {
        const { status } = await lane.ask(request);
        if (status === 201) result.published += 1;
        else result.refused += 1;
      }
      lane.end();
    }),
  );
  const { user, system } = process.cpuUsage(cpu);
  return { ...result, startedAt, endedAt: now(), cpuMs: (user + system) / 1000 };
}
process.on("disconnect", () => process.exit());
