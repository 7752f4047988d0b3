import { expect, test } from "vitest";
import { signTicket } from "../../src/auth/ticket.ts";
import { settingsOf } from "../../src/config.ts";
import { PAYLOAD, secretsIn } from "../fixtures/logged-secrets.ts";
import { freePort, launch } from "../fixtures/process-group.ts";
import { DEVELOPMENT_SECRET, tokenFor } from "../fixtures/tokens.ts";

test("[LG8] tokens, tickets, keys and payloads are found in a log, and nothing else", async () => {
  const token = await tokenFor("ann");
  const settings = settingsOf({ JWT_SECRET: DEVELOPMENT_SECRET });
  const signed = await signTicket({ sub: "ann", exp: 2_000_000_000 }, 30, settings, Date.now());
  const ticket = "ticket" in signed ? signed.ticket : "";
  for (const secret of [token, ticket, DEVELOPMENT_SECRET, "rollcall-local-development-key", PAYLOAD]) {
    const found = secretsIn(`a line\n{"event":"x","cause":"Error: ${secret} is wrong"}\n`);
    expect(found).toHaveLength(1);
    expect(found[0]).not.toContain(secret);
  }
  expect(
    secretsIn('{"level":"warn","event":"request","route":"/v1/channels/:channel","user":"0123456789abcdef"}'),
  ).toEqual([]);
});

test("[LG8] a service that has printed a token does not end well", async () => {
  const port = await freePort();
  const answers = `require("node:http").createServer((_, answer) => answer.end("{}")).listen(${port}, "127.0.0.1")`;
  const start = (printed: string) =>
    launch({
      command: process.execPath,
      args: ["-e", `console.log(${JSON.stringify(printed)}); ${answers}`],
      port,
      cwd: "/",
      cleanUp: async () => {},
    });
  const loud = await start(await tokenFor("ann"));
  await expect(loud.stop()).rejects.toThrow(/logged secrets/);
  const quiet = await start("a plain line");
  await expect(quiet.stop()).resolves.toBeUndefined();
});
