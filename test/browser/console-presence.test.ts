import { describe, expect, test } from "vitest";
import {
  expectFocus,
  openWatching,
  ownStatus,
  row,
  sayStatus,
  summaryOf,
  watch,
} from "../fixtures/console-drawers.ts";
import { consoleSuite, hasBrowser } from "../fixtures/console-page.ts";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

describe.skipIf(!hasBrowser)("presence in the console", () => {
  const suite = consoleSuite();
  let tests = 0;

  /** Ann and Ben, of whom nobody heard before: what one test says of itself must not be seen in the next. */
  async function open(options = {}) {
    const [ann, ben] = [`ann${++tests}`, `ben${tests}`];
    const address = `${suite.url}/?people=${ann},${ben}&channel=room-${tests}`;
    const opened = await suite.open(address, options);
    return { ...opened, ann, ben, ofAnn: opened.card(ann), ofBen: opened.card(ben) };
  }

  async function openConnected(options = {}) {
    const all = await open(options);
    await all.connectEveryone();
    for (const card of [all.ofAnn, all.ofBen]) await card.getByText("2 people").waitFor();
    return all;
  }

  test("[CO18] a status with a text is shown to its person, in the roster, and to who watches", async () => {
    const { ann, ofAnn, ofBen, member } = await openConnected();
    await member(ofBen, ann).getByText("online").waitFor({ state: "attached" });
    await sayStatus(ofAnn, { status: "busy", text: "In a meeting" });
    await ownStatus(ofAnn).getByText("Busy").waitFor();
    await expect(ownStatus(ofAnn).innerText()).resolves.toContain("In a meeting");
    await member(ofBen, ann).getByText("busy").waitFor();
    await watch(ofBen, ann);
    await row(ofBen, ann).getByText("busy").waitFor();
    await row(ofBen, ann).getByText("In a meeting").waitFor();
    await sayStatus(ofAnn, { status: "away", text: "" });
    await row(ofBen, ann).getByText("away").waitFor();
    await expect(row(ofBen, ann).getByText("In a meeting").count()).resolves.toBe(0);
  });

  test("[CO19] who is invisible knows it, and has left for everybody else", async () => {
    const { ann, ofAnn, ofBen, member } = await openConnected();
    await watch(ofBen, ann);
    await row(ofBen, ann).getByText("online").waitFor();
    await sayStatus(ofAnn, { status: "invisible" });
    await ownStatus(ofAnn).getByText("Invisible").waitFor();
    await member(ofBen, ann).waitFor({ state: "detached" });
    await row(ofBen, ann).getByText("offline").waitFor();
    await sayStatus(ofAnn, { status: "" });
    await ownStatus(ofAnn).getByText("Online").waitFor();
    await member(ofBen, ann).waitFor();
  });

  test("[CO20] a status for a time says until when, and ends by itself", async () => {
    const { page, ann, ofAnn, ofBen, member } = await openConnected();
    // A minute is the shortest that one can choose, and too long to wait for.
    await page.evaluate(`document.querySelectorAll("option[value='60']").forEach((one) => one.value = "2")`);
    await sayStatus(ofAnn, { status: "busy", text: "Back soon", duration: "for 1 minute" });
    await ownStatus(ofAnn)
      .getByText(/^until /)
      .waitFor();
    await member(ofBen, ann).getByText("busy").waitFor();
    await ownStatus(ofAnn).getByText("Online").waitFor();
    await expect(
      ownStatus(ofAnn)
        .getByText(/Back soon|until/)
        .count(),
    ).resolves.toBe(0);
    await member(ofBen, ann).getByText("online").waitFor({ state: "attached" });
  });

  test("[CO21] who is watched is seen to come, with the device, and to go", async () => {
    const { ann, ben, ofAnn, ofBen } = await open();
    await ofAnn.getByRole("button", { name: "Connect", exact: true }).click();
    await watch(ofAnn, ben);
    await row(ofAnn, ben).getByText("never seen").waitFor();
    await ofBen.getByRole("button", { name: "Connect", exact: true }).click();
    await row(ofAnn, ben).getByText("online").waitFor();
    await row(ofAnn, ben).getByText("mobile").waitFor({ state: "attached" });
    await openWatching(ofBen);
    await ofBen.getByText(`Watched by ${ann}.`).waitFor();
    await ofBen.getByRole("button", { name: "Disconnect" }).click();
    await row(ofAnn, ben).getByText("offline").waitFor();
    await row(ofAnn, ben).getByText("last seen").waitFor();
  });

  test("[CO22] when somebody was last there is told as time ago, and time passes", async () => {
    const { page, ben, ofAnn, ofBen } = await openConnected();
    await watch(ofAnn, ben);
    await row(ofAnn, ben).getByText("active").waitFor();
    await ofBen.getByRole("button", { name: "Disconnect" }).click();
    await row(ofAnn, ben).getByText("last seen").waitFor();
    await page.evaluate("{ const now = Date.now; Date.now = () => now() + 5 * 60_000; }");
    await row(ofAnn, ben)
      .getByText(/last seen [56]m ago/)
      .waitFor();
  });

  test("[CO23] who is seen by nobody looks to a watcher like somebody never seen", async () => {
    const { ann, ben, ofAnn, ofBen, member } = await openConnected();
    await watch(ofBen, ann);
    await row(ofBen, ann).getByText("online").waitFor();
    await sayStatus(ofAnn, { visibility: "nobody" });
    await row(ofBen, ann).getByText("offline").waitFor();
    await row(ofBen, ann).getByText("never seen").waitFor();
    await member(ofBen, ann).getByText("web").waitFor({ state: "detached" });
    // What holds is not told, and what was chosen must not be said again with the next status.
    const choice = ofAnn.getByRole("combobox", { name: "Who sees", includeHidden: true });
    await expect(choice.inputValue()).resolves.toBe("");
    await sayStatus(ofAnn, { visibility: "only", names: `zoe, ${ben}` });
    await row(ofBen, ann).getByText("online").waitFor();
    await sayStatus(ofAnn, { visibility: "except", names: ben });
    await row(ofBen, ann).getByText("offline").waitFor();
  });

  test("[CO24] who is no longer watched leaves the list, and hears of it; the focus stays", async () => {
    const { ann, ben, ofAnn, ofBen } = await openConnected();
    await watch(ofAnn, ben);
    await watch(ofAnn, "nobody-else");
    await openWatching(ofBen);
    await ofBen.getByText(`Watched by ${ann}.`).waitFor();
    await ofAnn.getByRole("button", { name: `Stop watching ${ben}` }).press("Enter");
    await row(ofAnn, ben).waitFor({ state: "detached" });
    await expectFocus(ofAnn.getByRole("button", { name: "Stop watching nobody-else" }));
    await ofBen.getByText("Watched by nobody.").waitFor();
  });

  test("[CO25] a card in a channel has a second connection only while it watches, and then watches the same", async () => {
    const { ben, ofAnn } = await openConnected();
    await summaryOf(ofAnn, "Sessions").click();
    const sessions = ofAnn.getByRole("list", { name: "Sessions of" }).getByRole("listitem");
    const count = (n: number) => expect.poll(() => sessions.count(), { timeout: 10_000 }).toBe(n);
    await count(1);
    await watch(ofAnn, ben);
    await sessions.filter({ hasText: "own connection" }).waitFor();
    await summaryOf(ofAnn, "Watching").click();
    await count(1);
    await openWatching(ofAnn);
    await row(ofAnn, ben).getByText("online").waitFor();
    await ofAnn.getByRole("button", { name: "Disconnect" }).click();
    await count(0);
    await expect(row(ofAnn, ben).count()).resolves.toBe(0);
  });

  test("[CO26] what is said on this device is no other because the card watches", async () => {
    const { ann, ben, ofAnn, ofBen, member } = await openConnected();
    await sayStatus(ofAnn, { status: "away" });
    await member(ofBen, ann).getByText("away").waitFor();
    await summaryOf(ofAnn, "Frames").click();
    await watch(ofAnn, ben);
    const frames = ofAnn.getByRole("list", { name: "Frames" });
    await expect
      .poll(() => frames.getByText("presence", { exact: true }).count(), { timeout: 10_000 })
      .toBeGreaterThan(1);
    await sayStatus(ofAnn, { status: "busy" });
    await member(ofBen, ann).getByText("busy").waitFor();
    await sayStatus(ofAnn, { status: "away" });
    await member(ofBen, ann).getByText("away").waitFor();
    await ownStatus(ofAnn).getByText("Away").waitFor();
  });

  test("[CO27] a status is said and somebody watched without a mouse", async () => {
    const { page, ben, ofAnn } = await openConnected();
    const { keyboard } = page;
    await summaryOf(ofAnn, "Status").focus();
    await keyboard.press("Enter");
    await keyboard.press("Tab");
    await expectFocus(ofAnn.getByRole("combobox", { name: "Status of" }));
    await keyboard.type("Busy");
    await keyboard.press("Tab");
    await keyboard.press("Tab");
    await keyboard.type("No mouse");
    await keyboard.press("Enter");
    await ownStatus(ofAnn).getByText("No mouse").waitFor();
    await expectFocus(summaryOf(ofAnn, "Status"));
    await summaryOf(ofAnn, "Watching").press("Enter");
    const field = ofAnn.getByRole("textbox", { name: "Whom" });
    await ofAnn.getByRole("button", { name: "Watch", exact: true }).and(page.locator(":enabled")).waitFor();
    await keyboard.press("Tab");
    await expectFocus(field);
    await keyboard.type(ben);
    await keyboard.press("Enter");
    await row(ofAnn, ben).getByText("online").waitFor();
    await expect(field.inputValue()).resolves.toBe("");
    await expectFocus(field);
  });

  test("[CO28] on a phone the form and the people watched fit the width", async () => {
    const { page, ben, ofAnn, ofBen } = await openConnected(PHONE);
    await sayStatus(ofBen, { status: "busy", text: `wide ${"w".repeat(200)}` });
    await watch(ofAnn, ben);
    await row(ofAnn, ben).getByText("wide www").waitFor();
    await summaryOf(ofAnn, "Status").click();
    await ofAnn.getByRole("combobox", { name: "Who sees" }).selectOption("only");
    await expect(page.evaluate("document.documentElement.scrollWidth")).resolves.toBe(390);
    const small = `[...document.querySelectorAll(".status-form :is(select, input, button), .watch-form > *")]
      .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 40).length`;
    await expect(page.evaluate(small), "too small for a finger").resolves.toBe(0);
  });

  test("[CO29] what is refused is said in a sentence with its code, and stays in the field", async () => {
    const { ofAnn } = await openConnected();
    await openWatching(ofAnn);
    const field = ofAnn.getByRole("textbox", { name: "Whom" });
    await ofAnn.getByRole("button", { name: "Watch", exact: true }).click();
    await field.fill("not/a/name");
    await ofAnn.getByRole("button", { name: "Watch", exact: true }).click();
    await ofAnn.getByText(/\((bad_request|invalid_user)\)/).waitFor();
    await expect(field.inputValue()).resolves.toBe("not/a/name");
    await sayStatus(ofAnn, { visibility: "only", names: "not/a/name" });
    await ofAnn.getByText(/^Not set: .+\((bad_request|invalid_user)\)/).waitFor();
  });

  test("[CO30] a person with two cards sees the same status on both", async () => {
    const { page, ann, ofAnn } = await openConnected();
    await ofAnn.getByRole("button", { name: `Add another device of ${ann}` }).click();
    const cards = page.getByRole("region", { name: ann, exact: true });
    await cards.last().getByText("Connected", { exact: true }).waitFor();
    await sayStatus(cards.first(), { status: "busy", text: "For all", scope: "everywhere" });
    for (const card of [cards.first(), cards.last()]) await ownStatus(card).getByText("For all").waitFor();
    // Of other words alone the roster tells nothing.
    await sayStatus(cards.first(), { text: "Still here" });
    await ownStatus(cards.last()).getByText("Still here").waitFor();
  });

  test("[CO31] a person's own connection is the one that watches, also while the drawer is folded", async () => {
    const { card, ann, ben, ofAnn, ofBen } = await openConnected();
    await summaryOf(ofAnn, "Sessions").click();
    await ofAnn.getByRole("button", { name: "Open own connection" }).click();
    const own = card(`${ann}, own connection`);
    await watch(own, ben);
    await summaryOf(own, "Watching").click();
    await sayStatus(ofBen, { status: "busy" });
    await own.locator(".watch-list").getByText("busy").waitFor({ state: "attached" });
    const sessions = ofAnn.getByRole("list", { name: "Sessions of" }).getByRole("listitem");
    await expect.poll(() => sessions.count(), { timeout: 10_000 }).toBe(2);
  });
});
