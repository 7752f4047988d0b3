import { fork } from "node:child_process";
import { once } from "node:events";
import { settingsOf } from "../../src/config.ts";
import { RawClient } from "../fixtures/raw-client.ts";
import { askRaw } from "../fixtures/raw-http.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";
import { machine } from "./bench/machine.ts";
import { quantile } from "./bench/stats.ts";
import { rollcallPart } from "./candidates/rollcall.ts";
import { startWorkerd } from "./candidates/workerd.ts";
import { pause } from "./clients/clock.ts";
import type { Made, Noise } from "./clients/noise-process.ts";

/*
 * npm run bench:noise [-- 20]   seconds for each figure
 *
 * What a neighbour of a noisy client notices: from publish to receive, in another channel and in the same one, alone
 * and beside one client that sends far more than its rate in frames and over HTTP. It could lie in one way: everything
 * runs on one machine and one thread of the runtime, where the platform would put other channels elsewhere, so a real
 * neighbour in another channel notices less than this one.
 */
const PER_SECOND = 50;
const LISTENERS = 20;
const ROUNDS = 3;
const WARM_MS = 1000;
/** Twenty times what a connection, or a user over HTTP, may send. */
const FLOOD = 1000;
const MOST = 1.5;
const seconds = Number(process.argv[2] ?? 20);

const about = await machine();
/** The limits that a deployment has where nobody says otherwise: what they are for is what is measured. */
const { CHANNEL_RATE_PER_SECOND, KEY_RATE_PER_SECOND, NEW_CHANNELS_PER_MINUTE, CONNECTS_PER_SECOND } =
  settingsOf({ JWT_SECRET: "a-secret-of-thirty-two-characters" });
const limits = { CHANNEL_RATE_PER_SECOND, KEY_RATE_PER_SECOND, NEW_CHANNELS_PER_MINUTE, CONNECTS_PER_SECOND };
const vars = Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, String(value)]));
const service = await startWorkerd([await rollcallPart({ ...vars, SESSION_TTL_SECONDS: "3600" })]);
const port = service.ports.main ?? 0;
const url = `http://127.0.0.1:${port}`;

/** A channel with listeners of its own, of whom the first measures. */
async function listenersOf(channel: string): Promise<RawClient> {
  const clients = await Promise.all(
    Array.from({ length: LISTENERS }, async (_, i) =>
      RawClient.welcomed({ url, token: await tokenFor(`${channel}-${i}`), channel }),
    ),
  );
  return clients[0] as RawClient;
}

/** Milliseconds from each publish of the neighbour until it is heard. */
async function measured(channel: string, client: RawClient): Promise<number[]> {
  const sentAt = new Map<number, number>();
  const ways: number[] = [];
  const heard = (raw: { toString(): string }) => {
    const text = raw.toString();
    for (const [, n] of text.matchAll(/"data":\{"neighbour":(\d+)\}/g)) {
      const at = sentAt.get(Number(n));
      if (at !== undefined) ways.push(performance.now() - at);
    }
    client.frames.length = 0;
  };
  client.socket.on("message", heard);
  const answers: Promise<unknown>[] = [];
  const startedAt = performance.now();
  const count = seconds * PER_SECOND;
  for (let n = 0; n < count; n++) {
    await pause(Math.max(0, startedAt + (n * 1000) / PER_SECOND - performance.now()));
    sentAt.set(n, performance.now());
    const body = JSON.stringify({ data: { neighbour: n } });
    answers.push(
      askRaw(url, `/v1/channels/${channel}/messages`, { method: "POST", headers: { ...KEY }, body }),
    );
  }
  await Promise.all(answers);
  await pause(500);
  client.socket.off("message", heard);
  if (ways.length !== count) throw new Error(`${ways.length} of ${count} were heard`);
  return ways;
}

/** The same beside such a client. */
async function beside<T>(noise: Partial<Noise>, work: () => Promise<T>): Promise<{ result: T; made: Made }> {
  const child = fork(new URL("./clients/noise-process.ts", import.meta.url), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const token = await tokenFor("noisy");
  child.send({ port, token, channel: "loud", framesPerSecond: 0, requestsPerSecond: 0, ...noise });
  await once(child, "message");
  await pause(WARM_MS);
  const result = await work();
  child.send("stop");
  const [made] = (await once(child, "message")) as [Made];
  return { result, made };
}

const NOISES: [name: string, noise: Partial<Noise>][] = [
  ["frames", { framesPerSecond: FLOOD }],
  ["HTTP", { requestsPerSecond: FLOOD }],
];

try {
  const rows: string[][] = [];
  const ratios: number[] = [];
  for (const channel of ["quiet", "loud"]) {
    const client = await listenersOf(channel);
    await measured(channel, client); // warm
    const ways: Record<string, number[]> = { alone: [], frames: [], HTTP: [] };
    for (let round = 0; round < ROUNDS; round++) {
      ways.alone?.push(...(await measured(channel, client)));
      for (const [name, noise] of NOISES) {
        const { result, made } = await beside(noise, () => measured(channel, client));
        ways[name]?.push(...result);
        console.log(`${channel}, beside ${name}: ${JSON.stringify(made)}`);
      }
    }
    const p99Alone = quantile(ways.alone ?? [], 0.99);
    for (const [name, all] of Object.entries(ways)) {
      const p99 = quantile(all, 0.99);
      if (name !== "alone") ratios.push(p99 / p99Alone);
      const figures = [quantile(all, 0.5), p99, p99 / p99Alone].map((value) => value.toFixed(2));
      rows.push([channel === "loud" ? "the same channel" : "another channel", name, ...figures]);
    }
  }
  console.log(JSON.stringify(about));
  console.log(
    ["| neighbour in | beside | p50, ms | p99, ms | of alone |", "|---|---|---|---|---|"].join("\n"),
  );
  for (const row of rows) console.log(`| ${row.join(" | ")} |`);
  const worst = Math.max(...ratios);
  console.log(
    `p99 beside noise at most ${MOST} times alone: ${worst.toFixed(2)}, ${worst <= MOST ? "holds" : "does not hold"}`,
  );
  process.exitCode = worst <= MOST ? 0 : 1;
} finally {
  await service.kill();
}
process.exit();
