import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator } from "playwright-core";
import { describe, expect, test } from "vitest";
import { expectFocus } from "../fixtures/console-drawers.ts";
import { type ConsolePage, consoleSuite, hasBrowser } from "../fixtures/console-page.ts";

const README_PICTURE = new URL("../../docs/console.png", import.meta.url).pathname;
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

describe.skipIf(!hasBrowser)("console", () => {
  const suite = consoleSuite();
  let channels = 0;

  async function open(people = "ann,ben", options = {}): Promise<ConsolePage> {
    const address = `${suite.url}/?people=${people}&channel=room-${++channels}`;
    return suite.open(address, options);
  }

  test("[CO1] the first page has two people and a channel, and one click connects them", async () => {
    const { page, card, connectEveryone } = await suite.open(suite.url);
    await expect(page.getByRole("textbox", { name: "Channel" }).inputValue()).resolves.toBe("lobby");
    await connectEveryone();
    for (const user of ["ann", "ben"]) await card(user).getByText("Connected", { exact: true }).waitFor();
  });

  test("[CO2] two people see each other join, each with the type of their device", async () => {
    const { card, member, connectEveryone } = await open();
    await connectEveryone();
    await member(card("ann"), "ben").getByText("mobile").waitFor({ state: "attached" });
    await member(card("ben"), "ann").getByText("web").waitFor({ state: "attached" });
    await card("ann").getByText("2 people, 2 sessions").waitFor();
  });

  test("[CO3] a message appears at the other, and markup in it is only text", async () => {
    const { page, card, connectEveryone, say } = await open();
    await connectEveryone();
    const text = `<img src=x onerror="throw new Error('markup')"> hello`;
    await card("ben").getByText("Connected", { exact: true }).waitFor();
    await say("ann", text);
    const log = card("ben").getByRole("log", { name: "Messages" });
    await log.getByText(text).waitFor();
    await expect(log.getByText("ann", { exact: true }).count()).resolves.toBe(1);
    await expect(page.locator("img").count()).resolves.toBe(0);
  });

  test("[CO4] who types is shown to the others, and no longer once they stop", async () => {
    const { card, connectEveryone } = await open();
    await connectEveryone();
    await card("ann").getByText("2 people").waitFor();
    await card("ann").getByRole("textbox", { name: "Message from ann" }).pressSequentially("hm");
    const line = card("ben").getByText("ann is typing…");
    await line.waitFor();
    await line.waitFor({ state: "detached" });
    await expect(card("ann").getByText("typing…").count()).resolves.toBe(0);
  });

  test("[CO5] who disconnects is gone for the others after the grace", async () => {
    const { card, member, connectEveryone } = await open();
    await connectEveryone();
    await member(card("ann"), "ben").waitFor();
    await card("ben").getByRole("button", { name: "Disconnect" }).click();
    await card("ann").getByText("ben left").waitFor();
    await member(card("ann"), "ben").waitFor({ state: "detached" });
    await card("ben").getByText("Not connected").waitFor();
  });

  test("[CO6] a second device of the same person is one member with two sessions", async () => {
    const { page, card, member, connectEveryone } = await open();
    await connectEveryone();
    await member(card("ann"), "ben").waitFor();
    await card("ben").getByRole("button", { name: "Add another device of ben" }).click();
    await member(card("ann"), "ben").getByText("2 sessions").waitFor();
    await expect(member(card("ann"), "ben").count()).resolves.toBe(1);
    expect(page.url()).toContain("people=ann,ben,ben");
  });

  test("[CO7] everything is done without a mouse, and the focus is seen", async () => {
    const { page, card } = await open();
    const { keyboard } = page;
    await keyboard.press("Tab");
    await expectFocus(page.getByRole("textbox", { name: "Channel" }));
    await keyboard.press("Enter");
    await card("ben").getByText("Connected", { exact: true }).waitFor();
    await expectFocus(card("ann").getByRole("textbox", { name: "Message from ann" }));
    await keyboard.type("no mouse");
    await keyboard.press("Enter");
    await card("ben").getByRole("log").getByText("no mouse").waitFor();
    const token = card("ann").locator("summary", { hasText: "Token" });
    const sessions = summaryOfSessions(card("ann"));
    const watching = card("ann").locator("summary", { hasText: "Watching" });
    const frames = card("ann").locator("summary", { hasText: "Frames" });
    const send = card("ann").getByRole("button", { name: "Send" });
    for (const next of [send, token, sessions, watching, frames]) {
      await keyboard.press("Tab");
      await expectFocus(next);
    }
    const outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
    await expect(outline).resolves.toBe("solid");
    await keyboard.press("Enter");
    await card("ann").getByRole("list", { name: "Frames" }).getByText("publish", { exact: true }).waitFor();
  });

  test("[CO8] on a phone people stack, and nothing scrolls sideways", async () => {
    const { page, card, connectEveryone, say } = await open("ann,ben", PHONE);
    await connectEveryone();
    await card("ann").getByText("2 people").waitFor();
    await say("ann", `wide ${"w".repeat(150)}`);
    await card("ann").locator("summary", { hasText: "Frames" }).click();
    await card("ann").locator("summary", { hasText: "Token" }).click();
    await openSessions(card("ann"));
    await card("ann").getByRole("listitem").filter({ hasText: "this card" }).waitFor();
    await card("ben").getByRole("log").getByText("wide www").waitFor();
    await expect(page.evaluate("document.documentElement.scrollWidth")).resolves.toBe(390);
    const logs = `[...document.querySelectorAll("[role=log]")].map((log) => log.scrollWidth - log.clientWidth)`;
    await expect(page.evaluate(logs), "cut off at the side").resolves.toEqual([0, 0]);
    const [ann, ben] = await Promise.all([card("ann").boundingBox(), card("ben").boundingBox()]);
    expect(ann?.x).toBe(ben?.x);
  });

  test("[CO9] who comes later reads what was said before", async () => {
    const { card, say } = await open();
    await card("ann").getByRole("button", { name: "Connect", exact: true }).click();
    await card("ann").getByText("Connected", { exact: true }).waitFor();
    await say("ann", "is anybody here?");
    await card("ann").getByRole("log").getByText("is anybody here?").waitFor();
    await card("ben").getByRole("button", { name: "Connect", exact: true }).click();
    await card("ben").getByRole("log").getByText("is anybody here?").waitFor();
  });

  test("[CO10] claims that are no JSON object are refused before anything connects", async () => {
    const { card } = await open();
    await card("ann").locator("summary", { hasText: "Token" }).click();
    await card("ann").getByRole("textbox", { name: "More claims" }).fill("[1");
    await card("ann").getByRole("button", { name: "Connect", exact: true }).click();
    await card("ann").getByText("Not a JSON object.").waitFor();
    await expect(card("ann").getByText("Not connected").count()).resolves.toBe(1);
  });

  test("[CO11] the picture in the README is what the console looks like", async () => {
    const { page, card, member, connectEveryone, say } = await open("ann,ben", { colorScheme: "light" });
    await page.getByRole("textbox", { name: "Channel" }).fill("lobby-picture");
    await connectEveryone();
    await member(card("ann"), "ben").waitFor();
    await say("ann", "Morning! Is the new build on staging?");
    await card("ben").getByRole("log").getByText("staging").waitFor();
    await say("ben", "Since ten minutes ago. Looks good so far.");
    await card("ann").getByRole("log").getByText("so far").waitFor();
    await card("ben").locator("summary", { hasText: "Status" }).click();
    await card("ben").getByRole("combobox", { name: "Status of ben" }).selectOption("busy");
    await card("ben").getByRole("textbox", { name: "Status text" }).fill("Release day");
    await card("ben").getByRole("button", { name: "Set status" }).click();
    await member(card("ann"), "ben").getByText("busy").waitFor();
    await card("ann").getByRole("combobox", { name: "How long a cut lasts" }).selectOption("until I say");
    await card("ann").getByRole("button", { name: "Cut my connection" }).click();
    await say("ben", "Shall we ship it?");
    await say("ben", "Ann?");
    await card("ben").getByRole("log").getByText("Ann?").waitFor();
    await card("ann").getByRole("button", { name: "Back to normal" }).click();
    await card("ann").getByText("2 messages recovered").waitFor();
    await say("ann", "Here again. Yes!");
    await card("ben").getByRole("log").getByText("Here again").waitFor();
    await card("ben").getByRole("textbox", { name: "Message from ben" }).pressSequentially("On it");
    await card("ann").getByText("ben is typing…").waitFor();
    const folder = await mkdtemp(join(tmpdir(), "rollcall-picture-"));
    const update = process.env.UPDATE_SCREENSHOT !== undefined;
    const picture = await page.screenshot({ path: update ? README_PICTURE : join(folder, "console.png") });
    await rm(folder, { recursive: true });
    // Width and height stand at byte 16 of a PNG; an empty page of this size takes less than 10 KB.
    expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([1280, 800]);
    expect(picture.length).toBeGreaterThan(30_000);
  });

  test("[CO12] a person's sessions are listed live, of both kinds, and the card's own is marked", async () => {
    const { page, card, connectEveryone } = await open();
    await connectEveryone();
    const sessions = await openSessions(card("ann"));
    const [inChannel, own] = [
      sessions.filter({ hasText: "room-" }),
      sessions.filter({ hasText: "own conn" }),
    ];
    await inChannel.getByText("this card").waitFor();
    await expect(inChannel.innerText()).resolves.toMatch(/seen .+\s+web\s+websocket\s+since /);
    await card("ann").getByRole("button", { name: "Open own connection" }).click();
    await own.waitFor();
    await expect(own.getByText("this card").isVisible()).resolves.toBe(false);
    const second = card("ann, own connection");
    const fromThere = await openSessions(second);
    await fromThere.filter({ hasText: "own conn" }).getByText("this card").waitFor();
    expect(page.url()).toContain("people=ann,ben&own=ann&");
    await second.getByRole("button", { name: "Disconnect" }).click();
    await own.waitFor({ state: "detached" });
    await inChannel.waitFor();
  });

  test("[CO13] a session that is ended closes with 4502, its card says so, and the focus stays", async () => {
    const { page, connectEveryone } = await open("ann,ben,ben");
    await connectEveryone();
    const cards = page.getByRole("region", { name: "ben", exact: true });
    const sessions = await openSessions(cards.first());
    await expect.poll(() => sessions.count(), { timeout: 10_000 }).toBe(2);
    await sessions.getByRole("button", { name: "End session: desktop, room-" }).press("Enter");
    await cards.last().getByText("Closed: ended (4502)").waitFor();
    await expect.poll(() => sessions.count(), { timeout: 10_000 }).toBe(1);
    await expectFocus(sessions.getByRole("button", { name: "End session: mobile, room-" }));
    await cards.first().getByText("Connected", { exact: true }).waitFor();
    // A refresh comes every two seconds; the row is changed, not made anew.
    await page.waitForResponse((response) => response.url().endsWith("/v1/users/ben/sessions"));
    await expectFocus(sessions.getByRole("button"));
  });

  test("[CO14] end all ends every session of this person, and nobody else's", async () => {
    const { card, connectEveryone } = await open();
    await connectEveryone();
    const sessions = await openSessions(card("ann"));
    await card("ann").getByRole("button", { name: "Open own connection" }).click();
    await expect.poll(() => sessions.count(), { timeout: 10_000 }).toBe(2);
    await card("ann").getByRole("button", { name: "End all" }).click();
    for (const name of ["ann", "ann, own connection"])
      await card(name).getByText("Closed: ended (4502)").waitFor();
    await card("ann").getByText("No live session.").waitFor();
    await expect(card("ben").getByText("Connected", { exact: true }).count()).resolves.toBe(1);
  });

  test("[CO15] revoked tokens are refused, also to the card, until a fresh one connects again", async () => {
    const { page, card, connectEveryone, problems } = await open("ann");
    const making = page.waitForResponse("**/v1/dev/token");
    await connectEveryone();
    const old = await (await making).text();
    const sessions = await openSessions(card("ann"));
    await sessions.getByText("this card").waitFor();
    await card("ann").getByRole("button", { name: "Revoke tokens" }).click();
    await card("ann").getByText("Closed: revoked (4501)").waitFor();
    await card("ann").getByText("The token of this card is refused").getByText("(token_revoked)").waitFor();
    await expect(card("ann").getByText("Closed: revoked (4501)").count()).resolves.toBe(1);
    const anew = card("ann").getByRole("button", { name: "Connect with a fresh token" });
    await expectFocus(anew);
    // A token made in the second of the revocation is refused like the one that this stands for.
    const inSameSecond = { contentType: "application/json", body: old };
    await page.route("**/v1/dev/token", (route) => route.fulfill(inSameSecond), { times: 1 });
    await anew.press("Enter");
    await card("ann").getByText("Connected", { exact: true }).waitFor();
    await sessions.getByText("this card").waitFor();
    await anew.waitFor({ state: "hidden" });
    // The browser itself notes each refused request.
    expect(problems.splice(0).filter((problem) => !problem.includes("401"))).toEqual([]);
  });

  test("[CO16] sessions are asked for only while somebody looks", async () => {
    const { page, card, connectEveryone } = await open();
    let asked = 0;
    page.on("request", (request) => {
      if (request.url().endsWith("/sessions")) asked++;
    });
    await connectEveryone();
    await card("ann").getByText("2 people").waitFor();
    expect(asked).toBe(0);
    const sessions = await openSessions(card("ann"));
    await sessions.getByText("this card").waitFor();
    await page.waitForResponse((response) => response.url().endsWith("/sessions"));
    await summaryOfSessions(card("ann")).click();
    await sessions.first().waitFor({ state: "hidden" });
    const before = asked;
    await card("ben").getByRole("button", { name: "Disconnect" }).click();
    await card("ann").getByText("ben left").waitFor();
    expect(asked).toBe(before);
    const turn = (visibilityState: string) =>
      page.evaluate(`Object.defineProperty(document, "visibilityState",
        { value: "${visibilityState}", configurable: true });
        document.dispatchEvent(new Event("visibilitychange"))`);
    await turn("hidden");
    await summaryOfSessions(card("ann")).click();
    await card("ben").getByRole("button", { name: "Connect", exact: true }).click();
    await card("ann").getByText("ben joined").last().waitFor();
    expect(asked).toBe(before);
    await turn("visible");
    await expect.poll(() => asked).toBe(before + 1);
  });

  test("[CO17] what cannot be done with sessions is said in a sentence with its code", async () => {
    const { page, card, connectEveryone, problems } = await open();
    await connectEveryone();
    const sessions = await openSessions(card("ann"));
    await sessions.getByText("this card").waitFor();
    const refusal = { code: "unavailable", detail: "try again later" };
    await page.route("**/v1/users/ann/sessions*", (route) => route.fulfill({ status: 503, json: refusal }));
    await card("ann").getByText("Sessions not read: try again later (unavailable).").waitFor();
    await page.unroute("**/v1/users/ann/sessions*");
    await card("ann").getByText("Sessions not read").waitFor({ state: "hidden" });
    expect(problems.splice(0).filter((problem) => !problem.includes("503"))).toEqual([]);
  });
});

/** Unfolds the sessions of a card; answers with their rows. */
async function openSessions(card: Locator): Promise<Locator> {
  await summaryOfSessions(card).click();
  return card.getByRole("list", { name: "Sessions of" }).getByRole("listitem");
}

/** Frames have summaries too, and some speak of sessions. */
function summaryOfSessions(card: Locator): Locator {
  return card.locator(".drawer > summary", { hasText: "Sessions" });
}
