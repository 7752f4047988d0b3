import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBareService } from "../fixtures/bare-workerd.ts";
import { BROWSER_ARGS, CHROMIUM, hasBrowser } from "../fixtures/console-page.ts";
import type { Service } from "../fixtures/process-group.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

describe.skipIf(!hasBrowser)("the SDK in a browser", () => {
  let service: Service;
  let browser: Browser;
  /** What a bundler makes of the SDK, by file name. */
  const files = new Map<string, string>();

  beforeAll(async () => {
    service = await startBareService();
    browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: BROWSER_ARGS });
    const { outputFiles } = await build({
      ...{ absWorkingDir: ROOT, entryPoints: ["src/client/index.ts"], outdir: "out", write: false },
      ...{ bundle: true, splitting: true, minify: true, format: "esm" },
    });
    for (const { path, text } of outputFiles) files.set(path.slice(path.lastIndexOf("/") + 1), text);
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });

  /** A page of the service's own origin, which has no script; `loaded` are the files of the SDK that it asks for. */
  async function open(hasWebSocket: boolean): Promise<{ page: Page; loaded: string[]; problems: string[] }> {
    const page = await browser.newPage();
    const loaded: string[] = [];
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    await page.route("**/sdk/*", async (route) => {
      const name = new URL(route.request().url()).pathname.slice("/sdk/".length);
      loaded.push(name);
      await route.fulfill({ contentType: "text/javascript", body: files.get(name) ?? "" });
    });
    // A document that the test makes up would count as a public one, whose WebSockets Chromium keeps off the loopback.
    await page.goto(`${service.url}/healthz`);
    if (!hasWebSocket) await page.evaluate("delete globalThis.WebSocket");
    return { page, loaded, problems };
  }

  /** Connects, waits for the message `from outside`, publishes `from inside`, and tells what was heard. */
  function talk(page: Page, user: string, token: string): Promise<unknown[]> {
    return page.evaluate(
      `(async () => {
        const { connect } = await import("/sdk/index.js");
        const connection = connect({ url: location.origin, token: ${JSON.stringify(token)}, channel: ${JSON.stringify(user)} });
        globalThis.connection = connection;
        const heard = [];
        const isHeard = (data) => new Promise((resolve) => {
          connection.on("message", (message) => { if (message.data === data) resolve(); });
        });
        connection.on("message", (message) => heard.push(message.data));
        const outside = isHeard("from outside");
        const inside = isHeard("from inside");
        await new Promise((resolve) => connection.on("welcome", resolve));
        globalThis.isOpen = true;
        await outside;
        await connection.publish("from inside");
        await inside;
        return heard;
      })()`,
    );
  }

  const sessionsOf = async (user: string) => {
    const answer = await fetch(`${service.url}/v1/users/${user}/sessions`, { headers: KEY });
    return ((await answer.json()) as { sessions: { transport: string }[] }).sessions;
  };

  for (const hasWebSocket of [true, false]) {
    const way = hasWebSocket ? "websocket" : "sse";
    test(`[CL141] a page ${hasWebSocket ? "with" : "without"} WebSockets connects by ${way}, and loads no more than that needs`, async () => {
      const { page, loaded, problems } = await open(hasWebSocket);
      const talked = talk(page, way, await tokenFor(way));
      await page.waitForFunction("globalThis.isOpen");
      expect(await sessionsOf(way)).toMatchObject([{ transport: way }]);
      await fetch(`${service.url}/v1/channels/${way}/messages`, {
        ...{ method: "POST", headers: { ...KEY, "Content-Type": "application/json" } },
        body: JSON.stringify({ data: "from outside" }),
      });
      expect(await talked).toEqual(["from outside", "from inside"]);
      const later = [...files.keys()].filter((name) => name.startsWith("event-stream"));
      expect(later).toHaveLength(1);
      expect(loaded).toEqual(["index.js", ...(hasWebSocket ? [] : later)]);
      await page.evaluate("connection.close()");
      const deadline = Date.now() + 5000;
      while ((await sessionsOf(way)).length > 0 && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(await sessionsOf(way)).toEqual([]);
      await page.close();
      expect(problems).toEqual([]);
    });
  }
});
