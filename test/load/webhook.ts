import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY } from "../fixtures/tokens.ts";
import { machine } from "./bench/machine.ts";
import { median } from "./bench/stats.ts";

/*
 * npm run bench:webhook
 *
 * What a back end that publishes notices of events that leave: without a webhook; with the events of the default and a
 * receiver that hangs; with `message.published` too, and a receiver that is well, and one that hangs. It could lie in one
 * way: the local queue is a service of the same process, where the platform's is elsewhere.
 */
const ROUNDS = 12;
const PUBLISHES = 50;
const WARM = 100;
const MOST = 1.1;
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const well = createServer((request, response) => request.resume().on("end", () => response.end()));
const hangs = createServer(() => undefined);

async function eventsTo(receiver: Server, events: Record<string, string> = {}): Promise<Service> {
  if (!receiver.listening) await once(receiver.listen(0, "127.0.0.1"), "listening");
  const { port } = receiver.address() as AddressInfo;
  const vars = { WEBHOOK_URL: `http://127.0.0.1:${port}/`, WEBHOOK_SECRET: SECRET, ...events };
  return startService({ vars });
}

/** Milliseconds of one publish, one after the other. */
async function published(url: string, times: number): Promise<number> {
  const startedAt = performance.now();
  for (let i = 0; i < times; i++) {
    const body = JSON.stringify({ data: { text: "Nobody expects the measured message." } });
    const answer = await fetch(`${url}/v1/channels/measured/messages`, {
      method: "POST",
      headers: KEY,
      body,
    });
    if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`);
    await answer.arrayBuffer();
  }
  return (performance.now() - startedAt) / times;
}

const about = await machine();
const services: Record<string, Service> = {};
try {
  services["no webhook"] = await startService({});
  services["default events, receiver hangs"] = await eventsTo(hangs);
  services["all events, receiver is well"] = await eventsTo(well, { EVENTS: "*" });
  services["all events, receiver hangs"] = await eventsTo(hangs, { EVENTS: "*" });
  const all = Object.entries(services).map(([name, { url }]) => ({ name, url, ms: [] as number[] }));
  for (const { url } of all) await published(url, WARM);
  for (let round = 0; round < ROUNDS; round++) {
    for (const one of round % 2 === 0 ? all : all.toReversed())
      one.ms.push(await published(one.url, PUBLISHES));
  }
  console.log(JSON.stringify(about));
  console.log(["| | ms a publish | of no webhook |", "|---|---|---|"].join("\n"));
  const [none = 0, quiet = 0, healthy = 0, failing = 0] = all.map(({ ms }) => median(ms));
  for (const { name, ms } of all) {
    console.log(`| ${name} | ${median(ms).toFixed(2)} | ${(median(ms) / none).toFixed(2)} |`);
  }
  const worst = Math.max(quiet / none, failing / healthy);
  console.log(
    `a failing receiver slows publishing at most ${MOST} times: ${worst.toFixed(2)}, ${worst <= MOST ? "holds" : "does not hold"}`,
  );
  process.exitCode = worst <= MOST ? 0 : 1;
} finally {
  for (const { stop } of Object.values(services)) await stop();
  for (const receiver of [well, hangs]) receiver.close().closeAllConnections();
}
process.exit();
