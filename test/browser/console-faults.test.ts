import type { Locator } from "playwright-core";
import { describe, expect, test } from "vitest";
import { consoleSuite, hasBrowser } from "../fixtures/console-page.ts";

const KEY = "rollcall-local-development-key";

describe.skipIf(!hasBrowser)("faults in the console", () => {
  // A silent connection is asked after a second, and ended in two to four.
  const suite = consoleSuite({ SESSION_TTL_SECONDS: "2", HEARTBEAT_INTERVAL_SECONDS: "1" });
  /** Here a test may take its time within the grace. */
  const patient = consoleSuite({ OFFLINE_GRACE_SECONDS: "30" });
  let tests = 0;

  async function openConnected({ url, open } = suite) {
    const [ann, ben] = [`ann${++tests}`, `ben${tests}`];
    const channel = `room-${tests}`;
    const opened = await open(`${url}/?people=${ann},${ben}&channel=${channel}`);
    const [ofAnn, ofBen] = [opened.card(ann), opened.card(ben)];
    await opened.connectEveryone();
    for (const card of [ofAnn, ofBen]) await card.getByText("2 people").waitFor();
    return { ...opened, ann, ben, channel, ofAnn, ofBen };
  }

  test("[CO32] a connection that is cut for less than the grace comes back unnoticed, and recovers what was said", async () => {
    const { page, ann, ben, ofAnn, ofBen, say } = await openConnected(patient);
    await keepCut(ofAnn);
    await story(ofAnn).getByText("Connection cut").waitFor();
    await ofAnn.getByText(/^Reconnecting: /).waitFor();
    await say(ben, "are you there?");
    await say(ben, "hello?");
    await ofBen.getByRole("log").getByText("hello?").waitFor();
    await story(ofAnn).getByText(`Still there for ${ben}: that is the grace`).waitFor();
    await expect(ofAnn.getByRole("log").getByText("hello?").count()).resolves.toBe(0);
    await ofAnn.getByRole("button", { name: "Back to normal" }).click();
    await story(ofAnn).getByText("Back within the grace, unnoticed; 2 messages recovered").waitFor();
    await ofAnn.getByRole("log").getByText("hello?").waitFor();
    await expect(ofBen.getByText(`${ann} left`).count()).resolves.toBe(0);
    await feed(page).getByText(`${ann}: Back within the grace, unnoticed; 2 messages recovered`).waitFor();
    await say(ben, "welcome back");
    await ofAnn.getByRole("log").getByText("welcome back").waitFor();
    await page.getByRole("link", { name: "Log", exact: true }).click();
    const row = (text: string) => page.getByRole("table").getByRole("row").filter({ hasText: text });
    for (const text of ["are you there?", "hello?"]) {
      await expect(waysIn(row(text))).resolves.toEqual(["recovered", "live"]);
    }
    await expect(waysIn(row("welcome back"))).resolves.toEqual(["live", "live"]);
    await row(`${ann} came back, and recovered offsets 1 to 2`).waitFor();
  });

  test("[CO33] a connection that is cut for longer than the grace is gone for the others, and comes back", async () => {
    const { ann, ben, ofAnn, ofBen } = await openConnected();
    await keepCut(ofAnn);
    await ofBen.getByText(`${ann} left`).waitFor();
    await story(ofAnn).getByText(`Gone for ${ben}`).waitFor();
    await ofAnn.getByRole("button", { name: "Back to normal" }).click();
    await story(ofAnn).getByText("Back; nothing was missed").waitFor();
    await ofBen.getByText(`${ann} joined`).last().waitFor();
  });

  test("[CO34] a cut for some seconds ends by itself", async () => {
    const { ofAnn } = await openConnected();
    const shorter = `document.querySelectorAll("option[value='3']").forEach((one) => one.value = "0.4")`;
    await ofAnn.page().evaluate(shorter);
    await ofAnn.getByRole("combobox", { name: "How long a cut lasts" }).selectOption("for 3 s");
    await ofAnn.getByRole("button", { name: "Cut my connection" }).click();
    await story(ofAnn)
      .getByText(/^Back within the grace, unnoticed/)
      .waitFor();
    await ofAnn.getByText("Connected", { exact: true }).waitFor();
  });

  test("[CO35] who goes silent is asked, then ended, then gone; and comes back when it speaks again", async () => {
    const { ann, ben, ofAnn, ofBen, say } = await openConnected();
    await ofAnn.getByRole("button", { name: "Go silent" }).click();
    await story(ofAnn).getByText(`Still there for ${ben}: nobody knows yet`).waitFor();
    await say(ben, "anybody?");
    await story(ofAnn).getByText("(probe)").waitFor();
    await story(ofAnn).getByText("The service has ended it (4002): the grace begins").waitFor();
    await story(ofAnn).getByText(`Gone for ${ben}`).waitFor();
    await ofBen.getByText(`${ann} left`).waitFor();
    const order = await story(ofAnn).getByRole("listitem").allInnerTexts();
    expect(order.map((words) => /\(probe\)|ended it|Gone/.exec(words)?.[0]).filter(Boolean)).toEqual([
      "(probe)",
      "ended it",
      "Gone",
    ]);
    await ofAnn.getByRole("button", { name: "Back to normal" }).click();
    await story(ofAnn)
      .getByText(/^Back; 1 message recovered/)
      .waitFor();
    await ofAnn.getByRole("log").getByText("anybody?").waitFor();
  });

  test("[CO36] who is evicted is closed with 4502, stays away, and is gone for the others", async () => {
    const { page, ann, ben, ofAnn, ofBen } = await openConnected();
    await ofAnn.getByRole("button", { name: "Evict" }).click();
    await story(ofAnn).getByText("Closed (4502): stays away").waitFor();
    await ofAnn.getByText("Closed: ended (4502)").waitFor();
    await story(ofAnn).getByText(`Gone for ${ben}`).waitFor();
    await ofBen.getByText(`${ann} left`).waitFor();
    await feed(page).getByText(`${ann}: Gone for ${ben}`).waitFor();
  });

  test("[CO37] what cannot be recovered is told as a gap", async () => {
    const { page, ann, channel, ofAnn, ofBen, say } = await openConnected();
    await say(ann, "soon forgotten");
    await ofBen.getByRole("log").getByText("soon forgotten").waitFor();
    await keepCut(ofAnn);
    const headers = { authorization: `Bearer ${KEY}` };
    const forgotten = await page.request.delete(`${suite.url}/v1/channels/${channel}`, { headers });
    expect(forgotten.status()).toBe(204);
    await ofAnn.getByRole("button", { name: "Back to normal" }).click();
    await story(ofAnn)
      .getByText(/what was missed is lost, and that was told/)
      .waitFor();
    await page.getByRole("link", { name: "Log", exact: true }).click();
    await page
      .getByRole("row")
      .filter({ hasText: `${ann} gap: the log was lost` })
      .waitFor();
  });
});

/** Cuts until told otherwise. */
async function keepCut(card: Locator): Promise<void> {
  await card.getByRole("combobox", { name: "How long a cut lasts" }).selectOption("until I say");
  await card.getByRole("button", { name: "Cut my connection" }).click();
}

function story(card: Locator): Locator {
  return card.getByRole("list", { name: "What came of it" });
}

function feed(page: { getByRole: Locator["getByRole"] }): Locator {
  return page.getByRole("list", { name: "Events" });
}

/** How a message came to each card. */
async function waysIn(row: Locator): Promise<string[]> {
  return row.locator(".way-of").allInnerTexts();
}
