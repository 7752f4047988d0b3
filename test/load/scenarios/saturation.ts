import { cpuMsOf } from "../bench/machine.ts";
import { atLeast, type Report, type Wanted } from "../bench/report.ts";
import { connect, LETTER, publishEach, type Served, Stage } from "../bench/stage.ts";
import { median, readable, spread } from "../bench/stats.ts";
import { NAMES } from "../candidates/candidate.ts";
import type { Publisher } from "../clients/child.ts";

const IN_FLIGHT = 32;
const DRAIN_MS = 60_000;
/** Before the first round, and not counted: so much goes through only when the hot code was compiled. */
const WARM_UP_MS = 1000;

interface Round {
  deliveriesPerSecond: number;
  publishesPerSecond: number;
  /** Deliveries for each second of the server's processor. */
  perCpuSecond: number;
  /** Parts of one core that the counting and the publishing process took. */
  crowdShare: number;
  publisherShare: number;
  bytesPerDelivery: number;
}

/** (c) As much as goes through: publishes without pause, until all of them have reached every socket. */
export async function saturation({ isQuick, log }: Wanted): Promise<Report> {
  const [sockets, ms, rounds] = isQuick ? [100, 1000, 1] : [500, 4000, 5];
  await using stage = new Stage();
  const publisher = stage.publisher();
  const all = await stage.startAll(NAMES);
  for (const served of all) await connect(served, await served.candidate.targets(sockets));
  const measured = new Map(all.map(({ candidate }) => [candidate.name, [] as Round[]]));
  for (const served of all) await flood(served, publisher, sockets, WARM_UP_MS);
  for (let round = 0; round < rounds; round++) {
    for (const served of all) {
      await publishEach(served, sockets, { times: 3 });
      measured.get(served.candidate.name)?.push(await flood(served, publisher, sockets, ms));
    }
    log(`round ${round + 1} of ${rounds}`);
  }
  const of = (name: string, key: keyof Round) =>
    (measured.get(name as never) ?? []).map((round) => round[key]);
  const times = (name: string) =>
    median(of("rollcall", "deliveriesPerSecond")) / median(of(name, "deliveriesPerSecond"));
  return {
    title: `Saturation: ${sockets} sockets, ${IN_FLIGHT} publishes under way`,
    columns: [
      "",
      "deliveries a second",
      "publishes a second",
      "deliveries a CPU second of the server",
      "cores: counting, publishing",
      "bytes a delivery",
    ],
    rows: all.map(({ candidate: { name } }) => [
      name,
      spread(of(name, "deliveriesPerSecond")),
      spread(of(name, "publishesPerSecond")),
      readable(median(of(name, "perCpuSecond"))),
      `${readable(median(of(name, "crowdShare")))}, ${readable(median(of(name, "publisherShare")))}`,
      readable(median(of(name, "bytesPerDelivery"))),
    ]),
    notes: [
      "Time runs from the first publish until the last socket has the last message; every socket heard every number once and in order, or the scenario fails.",
      `Each message is published in ${JSON.stringify({ data: LETTER }).length} bytes over HTTP.`,
      "Server, counting client and publisher share the machine's cores: what the client takes, the server lacks. The processor time of the server alone is beside it.",
    ],
    bars: [
      atLeast(
        "saturation: at least 10 times PartyServer's deliveries a second",
        times("partyserver"),
        10,
        `${readable(times("partyserver"))} times`,
      ),
      atLeast(
        "saturation: at least 3 times ws-on-Node's deliveries a second",
        times("ws"),
        3,
        `${readable(times("ws"))} times`,
      ),
    ],
    figures: Object.fromEntries(measured),
  };
}

async function flood(
  { candidate, crowd }: Served,
  publisher: Publisher,
  sockets: number,
  ms: number,
): Promise<Round> {
  await crowd.do("reset");
  const before = cpuMsOf(candidate.pid);
  const request = candidate.publishing(LETTER);
  const flooded = await publisher.flood({ port: candidate.port, request, inFlight: IN_FLIGHT, ms });
  const counted = await crowd.do("counted", { each: flooded.published, timeoutMs: DRAIN_MS });
  const expected = flooded.published * sockets;
  if (
    flooded.refused + counted.uneven + counted.disorder + counted.closed > 0 ||
    counted.total !== expected
  ) {
    const seen = JSON.stringify({ ...counted, heard: undefined, expected, refused: flooded.refused });
    throw new Error(`${candidate.name}: not every message once and in order: ${seen}`);
  }
  const wallMs = counted.lastAt - flooded.startedAt;
  return {
    deliveriesPerSecond: (counted.total / wallMs) * 1000,
    publishesPerSecond: (flooded.published / (flooded.endedAt - flooded.startedAt)) * 1000,
    perCpuSecond: (counted.total / (cpuMsOf(candidate.pid) - before)) * 1000,
    crowdShare: counted.cpuMs / wallMs,
    publisherShare: flooded.cpuMs / (flooded.endedAt - flooded.startedAt),
    bytesPerDelivery: counted.bytes / counted.total,
  };
}
