import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROWSER_ARGS, CHROMIUM, hasBrowser } from "../fixtures/console-page.ts";
import { ENTRIES, InstalledPackage } from "../fixtures/installed-package.ts";
import { PageServer } from "../fixtures/page-server.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { tokenFor } from "../fixtures/tokens.ts";

describe.skipIf(!hasBrowser)("a page made with the package", () => {
  let installed: InstalledPackage;
  let service: Service;
  let browser: Browser;

  beforeAll(async () => {
    [installed, service, browser] = await Promise.all([
      InstalledPackage.make(),
      startService(),
      chromium.launch({ executablePath: CHROMIUM, headless: true, args: BROWSER_ARGS }),
    ]);
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
    await installed.remove();
  });

  /** Whatever stands in the page once `text` is in it. What the page complains of fails the test. */
  async function shown(script: string, user: string, text: string): Promise<string> {
    const site = await PageServer.start(await installed.bundle(script));
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (line) => line.type() === "error" && problems.push(line.text()));
    try {
      const query = new URLSearchParams({ url: service.url, token: await tokenFor(user) });
      await page.goto(`${site.url}?${query}`);
      await page.getByText(text).waitFor({ timeout: 20_000 });
      const body = await page.locator("body").innerText();
      expect(problems).toEqual([]);
      return body;
    } finally {
      await page.close();
      await site.stop();
    }
  }

  test("[PK36] a page that a public bundler makes of it connects, publishes and hears itself", async () => {
    const page = `
      import { connect } from "rollcall/client";

      const given = new URLSearchParams(location.search);
      const client = connect({ url: given.get("url"), token: given.get("token") });
      const room = client.channel("page");
      void room.publish({ text: "hello" });
      for await (const { from, data } of room) {
        document.body.append(from.user + " says " + data.text);
      }
    `;
    expect(await shown(page, "pk-page", "says")).toBe("pk-page says hello");
  });

  test.skipIf(!ENTRIES.includes("react"))(
    "[PK37] a React page made with it shows who is in a channel, with the project's own React",
    async () => {
      await installed.borrow("react", "react-dom");
      const page = `
        import { StrictMode } from "react";
        import { createRoot } from "react-dom/client";
        import { RollcallProvider, useMembers } from "rollcall/react";

        function Members() {
          const { members } = useMembers("react-page");
          return <p>here: {members.map(({ user }) => user).join()}</p>;
        }

        const given = new URLSearchParams(location.search);
        const root = document.body.appendChild(document.createElement("main"));
        createRoot(root).render(
          <StrictMode>
            <RollcallProvider url={given.get("url")} token={given.get("token")}>
              <Members />
            </RollcallProvider>
          </StrictMode>,
        );
      `;
      expect(await shown(page, "pk-react", "pk-react")).toBe("here: pk-react");
    },
  );
});
