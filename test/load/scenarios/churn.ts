import type { Report, Wanted } from "../bench/report.ts";
import { read, type Summary } from "../bench/service.ts";
import { connect, Stage } from "../bench/stage.ts";
import { readable } from "../bench/stats.ts";
import { pause } from "../clients/clock.ts";

/** Away so long each time, and back so long. */
const AWAY_MS: [number, number] = [200, 1500];
/** Whatever is told of the last flap is told by then. */
const SETTLE_MS = 7500;

interface Flapped {
  frames: number;
  bytes: number;
  members: number;
}

/** (d) What members hear while all of them come and go. */
export async function churn({ isQuick, log }: Wanted): Promise<Report> {
  const [members, flaps] = isQuick ? [30, 2] : [200, 5];
  log("away for longer than the grace");
  const seen = await flap(members, flaps, "0.1");
  log("away for less than the grace");
  const unseen = await flap(members, flaps, "5");
  const naive = members ** 2 * flaps;
  const row = (what: string, { frames, bytes }: Flapped) => [
    what,
    readable(frames),
    readable(frames / members),
    readable(bytes / 1000),
    readable(frames / naive),
  ];
  const rosters = [seen, unseen].map((flapped) => flapped.members);
  return {
    title: `Presence churn: ${members} members, each gone and back ${flaps} times`,
    columns: ["", "roster frames heard", "each member", "KB", "of members² x flaps"],
    rows: [
      row("away longer than the grace (0.1 s)", seen),
      row("within the grace (5 s, the default)", unseen),
    ],
    notes: [
      `members² x flaps is ${readable(naive)}: one frame to each member for each flap; told at once, a flap would be two, a leave and a join.`,
      `Members are away and back for ${AWAY_MS[0]}-${AWAY_MS[1]} ms at random; who is away hears nothing, on average half the time. The welcome, with its roster, is not counted.`,
      `Afterwards the rosters counted ${rosters.join(" and ")} members.`,
    ],
    bars: [
      {
        what: "after the churn the rosters are exact",
        measured: rosters.join(", "),
        holds: rosters.every((n) => n === members),
      },
    ],
    figures: { seen, unseen, naive },
  };
}

async function flap(members: number, times: number, grace: string): Promise<Flapped> {
  await using stage = new Stage();
  const served = await stage.start("rollcall", { vars: { OFFLINE_GRACE_SECONDS: grace } });
  await connect(served, await served.candidate.targets(members), { marker: null });
  await pause(SETTLE_MS);
  await served.crowd.do("reset");
  await served.crowd.do("flap", { times, awayMs: AWAY_MS });
  await pause(SETTLE_MS);
  const { heard } = await served.crowd.do("counted", { each: 0, timeoutMs: 0 });
  const summary = await read<Summary>(served.candidate.port, "/v1/channels/room");
  const { frames, bytes } = heard.members ?? { frames: 0, bytes: 0 };
  return { frames, bytes, members: summary.members };
}
