import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { seriousIssues } from "../fixtures/accessibility.ts";
import { expectFocus, summaryOf, watch } from "../fixtures/console-drawers.ts";
import { consoleSuite, hasBrowser } from "../fixtures/console-page.ts";

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const KEY = "rollcall-local-development-key";

describe.skipIf(!hasBrowser)("views of the console", () => {
  const suite = consoleSuite();
  let tests = 0;

  async function openConnected(options = {}, hash = "") {
    const [ann, ben] = [`ann${++tests}`, `ben${tests}`];
    const opened = await suite.open(
      `${suite.url}/?people=${ann},${ben}&channel=room-${tests}${hash}`,
      options,
    );
    await opened.connectEveryone();
    return { ...opened, ann, ben, ofAnn: opened.card(ann), ofBen: opened.card(ben) };
  }

  test("[CO38] a message is one event, and says who got it", async () => {
    const { page, ann, ben, ofAnn, say } = await openConnected();
    await ofAnn.getByText("2 people").waitFor();
    await say(ann, "one event");
    const events = page.getByRole("list", { name: "Events" }).getByRole("listitem");
    const event = events.filter({ hasText: "one event" });
    await event.getByText(`seen by ${ben}`).waitFor();
    await expect(event.count()).resolves.toBe(1);
  });

  test("[CO39] the newest event is the first, and filters narrow them to a person and a kind", async () => {
    const { page, ann, ben, ofAnn, ofBen, say } = await openConnected();
    await ofAnn.getByText("2 people").waitFor();
    await say(ann, "older");
    await say(ben, "newer");
    const events = page.getByRole("list", { name: "Events" }).getByRole("listitem");
    await events.filter({ hasText: "newer" }).waitFor();
    await page.getByRole("combobox", { name: "Kind of events" }).selectOption("message");
    await expect.poll(() => events.count()).toBe(2);
    await expect(events.first().innerText()).resolves.toContain("newer");
    await ofBen.getByRole("button", { name: "Disconnect" }).click();
    await ofAnn.getByText(`${ben} left`).waitFor();
    await page.getByRole("combobox", { name: "Kind of events" }).selectOption("people");
    await page.getByRole("combobox", { name: "Events of whom" }).selectOption(ben);
    await events.filter({ hasText: `${ben} left` }).waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByText("Nothing has happened yet").waitFor();
  });

  test("[CO40] who came later has the message from history", async () => {
    const { page, ofAnn, ofBen, ann, say } = await openConnected();
    await ofAnn.getByText("2 people").waitFor();
    await ofBen.getByRole("button", { name: "Disconnect" }).click();
    await say(ann, "before ben");
    await ofAnn.getByRole("log").getByText("before ben").waitFor();
    await ofBen.getByRole("button", { name: "Connect", exact: true }).click();
    await ofBen.getByRole("log").getByText("before ben").waitFor();
    await page.getByRole("link", { name: "Log", exact: true }).click();
    const row = page.getByRole("row").filter({ hasText: "before ben" });
    await expect(row.locator(".way-of").allInnerTexts()).resolves.toEqual(["live", "from history"]);
  });

  test("[CO42] connections, deliveries and latency are drawn", async () => {
    const { page, ann, ofAnn, say } = await openConnected();
    await ofAnn.getByText("2 people").waitFor();
    await say(ann, "how long?");
    const figures = page.getByRole("region", { name: "Figures of this page" });
    await figures.getByRole("img", { name: /^Connections: 2, / }).waitFor();
    await figures.getByRole("img", { name: /^Deliveries: .+ between 0 and [1-9]/ }).waitFor();
    await figures.getByRole("img", { name: /^Latency, from publish to own receive: [\d.]+ ms, / }).waitFor();
    const drawn = figures.locator("path:not(.area)").first();
    await expect(drawn.getAttribute("d")).resolves.toMatch(/^M[\d.]+ [\d.]+L/);
  });

  test("[CO43] who watches whom is drawn and said, also of somebody who is not here", async () => {
    const { page, ann, ben, ofAnn, ofBen } = await openConnected();
    await watch(ofAnn, ben);
    await watch(ofAnn, "zoe");
    await watch(ofBen, ann);
    await page.getByRole("link", { name: "Graph", exact: true }).click();
    await page.getByRole("img", { name: "Watch graph: 3 people, 3 watches" }).waitFor();
    const words = page.getByRole("list", { name: "Who watches whom" });
    await words.getByText(`${ann} watches ${ben}, zoe`).waitFor();
    await words.getByText(`${ben} watches ${ann}`).waitFor();
    await expect(page.locator(".graph path.watch").count()).resolves.toBe(3);
  });

  test("[CO44] every view has its address, and the back button leads back", async () => {
    const { page, ann, ofAnn } = await openConnected({}, "#graph");
    await page.getByRole("heading", { name: "Who watches whom" }).waitFor();
    await expect(ofAnn.isVisible()).resolves.toBe(false);
    await page.getByRole("link", { name: "Log", exact: true }).click();
    await expectFocus(page.getByRole("heading", { name: "Message log" }));
    expect(page.url()).toContain(`people=${ann},`);
    expect(page.url()).toMatch(/&channel=room-\d+#log$/);
    await page.goBack();
    await page.getByRole("heading", { name: "Who watches whom" }).waitFor();
    await expect(page.locator("nav [aria-current=page]").allInnerTexts()).resolves.toEqual(["Graph"]);
    await page.goto(`${page.url().split("#")[0]}#nonsense`);
    await ofAnn.waitFor();
    await ofAnn.getByText("Connected", { exact: true }).waitFor();
  });

  test.for([
    ["light", "desktop", {}],
    ["dark", "desktop", {}],
    ["light", "phone", PHONE],
    ["dark", "phone", PHONE],
  ] as const)(
    "[CO49] [CO50] %s on a %s: no serious issue in any view, and nothing sideways",
    async ([colorScheme, , options]) => {
      const all = await openConnected({ ...options, colorScheme });
      const { page, ann, ben, ofAnn, ofBen, say } = all;
      await ofAnn.getByText("2 people").waitFor();
      await say(ann, `wide ${"w".repeat(150)}`);
      await watch(ofAnn, ben);
      for (const name of ["Token", "Sessions", "Frames", "Status"]) await summaryOf(ofAnn, name).click();
      await ofBen.getByRole("button", { name: "Cut my connection" }).click();
      await ofBen.getByText("Still there for").waitFor();
      const isFine = async (view: string) => {
        await expect(seriousIssues(page), view).resolves.toEqual([]);
        const over = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        await expect(page.evaluate(over), `${view} scrolls sideways`).resolves.toBe(0);
      };
      await isFine("people");
      await ofBen.getByText(/^Back( within the grace|;)/).waitFor();
      for (const view of ["log", "graph", "events", "operator"]) {
        await page.goto(`${page.url().split("#")[0]}#${view}`);
        await page.locator(`nav a[href="#${view}"][aria-current]`).waitFor();
        if (view === "graph") await page.getByRole("img", { name: /^Watch graph: \d/ }).waitFor();
        await isFine(view);
      }
      await enterKey(page);
      await page.goto(`${page.url().split("#")[0]}#operator/channels/room-${tests}`);
      await page
        .getByRole("list", { name: "Members of the channel" })
        .getByRole("link", { name: ann })
        .click();
      await page
        .getByRole("button", { name: /^End session/ })
        .first()
        .waitFor();
      await page.getByText("4 of 4 shards answered").waitFor();
      await isFine("operator with a key");
    },
  );

  test("[CO51] views, faults and the operator's view are used without a mouse", async () => {
    const { page, ofAnn } = await openConnected();
    const { keyboard } = page;
    await ofAnn.getByText("2 people").waitFor();
    await ofAnn.getByRole("button", { name: "Cut my connection" }).press("Enter");
    await expectFocus(ofAnn.getByRole("button", { name: "Back to normal" }));
    await keyboard.press("Enter");
    await expectFocus(ofAnn.getByRole("button", { name: "Cut my connection" }));
    await keyboard.press("Tab");
    await expectFocus(ofAnn.getByRole("combobox", { name: "How long a cut lasts" }));
    await keyboard.press("Tab");
    await expectFocus(ofAnn.getByRole("button", { name: "Go silent" }));
    await page.getByRole("link", { name: "Operator", exact: true }).press("Enter");
    await expectFocus(page.getByRole("heading", { name: "Operator" }));
    await keyboard.press("Tab");
    await expectFocus(page.getByRole("textbox", { name: "API key" }));
    await keyboard.type(KEY);
    await keyboard.press("Enter");
    await expectFocus(page.getByRole("heading", { name: "Operator" }));
    await page.getByRole("list", { name: "Occupied channels" }).getByRole("link").first().waitFor();
    await keyboard.press("Tab");
    await expectFocus(page.getByRole("button", { name: "Forget the key" }));
    await keyboard.press("Tab");
    await expectFocus(page.getByRole("textbox", { name: "Names that begin with" }));
  });
});

async function enterKey(page: Page): Promise<void> {
  await page.getByRole("textbox", { name: "API key" }).fill(KEY);
  await page.getByRole("button", { name: "Use key" }).click();
  await page.getByRole("region", { name: "Service" }).waitFor();
}
