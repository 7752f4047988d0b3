import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { expectFocus, sayStatus } from "../fixtures/console-drawers.ts";
import { consoleSuite, hasBrowser } from "../fixtures/console-page.ts";

const KEY = "rollcall-local-development-key";

describe.skipIf(!hasBrowser)("the operator's view", () => {
  const suite = consoleSuite();
  let tests = 0;

  async function openOperator(path = "") {
    const [ann, ben] = [`ann${++tests}`, `ben${tests}`];
    const channel = `room-${tests}`;
    const opened = await suite.open(`${suite.url}/?people=${ann},${ben}&channel=${channel}#operator${path}`);
    await opened.connectEveryone();
    const panel = (name: string) => opened.page.getByRole("region", { name, exact: true });
    return { ...opened, ann, ben, channel, panel };
  }

  test("[CO45] a wrong key is refused in a sentence, and the right one is kept nowhere", async () => {
    const { page, problems, panel } = await openOperator();
    await enter(page, "not-a-key-at-all");
    await page.getByText(/^Not taken: .+\((unauthenticated|token_invalid)\)/).waitFor();
    await expect(panel("Service").count()).resolves.toBe(0);
    await enter(page, KEY);
    await panel("Service").waitFor();
    await expectFocus(page.getByRole("heading", { name: "Operator" }));
    const kept = `location.href + document.cookie + document.documentElement.outerHTML +
      JSON.stringify([localStorage, sessionStorage, history.state]) +
      [...document.querySelectorAll("input")].map((field) => field.value)`;
    await expect(page.evaluate(kept)).resolves.not.toContain(KEY);
    await page.getByRole("button", { name: "Forget the key" }).click();
    await expectFocus(page.getByRole("textbox", { name: "API key" }));
    await expect(panel("Service").count()).resolves.toBe(0);
    await page.reload();
    await page.getByRole("textbox", { name: "API key" }).waitFor();
    expect(problems.splice(0).filter((problem) => !problem.includes("401"))).toEqual([]);
  });

  test("[CO46] figures, health, channels and the members of one, of whom one is invisible", async () => {
    const { page, card, ann, ben, channel, panel } = await openOperator();
    await enter(page, KEY);
    for (const name of ["Users online", "Sessions", "Channels"]) {
      await panel("Service")
        .getByRole("img", { name: new RegExp(`^${name}: \\d+`) })
        .waitFor();
    }
    const checks = panel("Health").getByRole("listitem");
    await checks.filter({ hasText: "directory" }).getByText("ok", { exact: true }).waitFor();
    await expect(checks.count()).resolves.toBe(5);
    await panel("Channels").getByRole("textbox", { name: "Names that begin with" }).fill(channel);
    await panel("Channels").getByRole("link", { name: channel, exact: true }).click();
    expect(page.url()).toContain(`#operator/channels/${channel}`);
    const members = panel(channel).getByRole("listitem");
    await members.filter({ hasText: ann }).getByText("online").waitFor();
    await page.getByRole("link", { name: "People", exact: true }).click();
    await sayStatus(card(ben), { status: "invisible" });
    await page.goBack();
    await members.filter({ hasText: ben }).getByText("invisible").waitFor();
  });

  test("[CO47] the sessions of a user are ended one by one, all at once, or with their tokens", async () => {
    const { page, card, ann, ben, channel, panel } = await openOperator();
    await enter(page, KEY);
    await panel("Sessions").getByRole("textbox", { name: "User" }).fill(ann);
    await panel("Sessions").getByRole("button", { name: "Show" }).click();
    const sessions = panel("Sessions").getByRole("list", { name: "Sessions of" }).getByRole("listitem");
    await sessions.getByRole("button", { name: `End session: web, ${channel}` }).click();
    await panel("Sessions").getByText(`${ann} has no live session.`).waitFor();
    await panel("Sessions").getByRole("textbox", { name: "User" }).fill(ben);
    await panel("Sessions").getByRole("button", { name: "Show" }).click();
    await sessions.filter({ hasText: channel }).waitFor();
    await panel("Sessions").getByRole("button", { name: "Revoke tokens of this user" }).click();
    await panel("Sessions").getByText(`${ben} has no live session.`).waitFor();
    await page.getByRole("link", { name: "People", exact: true }).click();
    await card(ann).getByText("Closed: ended (4502)").waitFor();
    await card(ben).getByText("Closed: revoked (4501)").waitFor();
    await card(ann).getByRole("button", { name: "Connect", exact: true }).click();
    await card(ann).getByText("Connected", { exact: true }).waitFor();
    await page.goto(`${page.url().split("#")[0]}#operator/users/${ann}`);
    await panel("Sessions").getByRole("button", { name: "End all sessions of this user" }).click();
    await panel("Sessions").getByText(`${ann} has no live session.`).waitFor();
  });

  test("[CO48] dead letters are listed, and one is sent again", async () => {
    const { page, panel } = await openOperator();
    const letter = {
      id: "e-1",
      type: "direct.expired",
      at: 0,
      attempts: 58,
      lastError: "status 503",
      data: {},
    };
    // Until one is parked a webhook has to fail for a day.
    let letters = [letter];
    await page.route("**/v1/dead-letters?*", (route) => route.fulfill({ json: { letters } }));
    await page.route("**/v1/dead-letters/e-1/replay", (route) => {
      letters = [];
      expect(route.request().method()).toBe("POST");
      expect(route.request().headers().authorization).toBe(`Bearer ${KEY}`);
      return route.fulfill({ status: 202, json: {} });
    });
    await enter(page, KEY);
    const row = panel("Dead letters").getByRole("listitem");
    await row.getByText(/58 attempts, status 503/).waitFor();
    await row.getByRole("button", { name: "Replay direct.expired" }).click();
    await panel("Dead letters").getByText(/^None/).waitFor();
  });
});

async function enter(page: Page, key: string): Promise<void> {
  const field = page.getByRole("textbox", { name: "API key" });
  await field.fill(key);
  await field.press("Enter");
}
