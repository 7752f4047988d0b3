import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { hasBrowser } from "../fixtures/console-page.ts";
import { pageSuite } from "../fixtures/pages.ts";
import { freePort } from "../fixtures/process-group.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const EXAMPLES = join(ROOT, "docs/examples");
const SCRIPTS = ["chat.tsx", "online.ts", "cursors.ts"];
const MOST_LINES = 60;

test("[EX1] each example is shorter than sixty lines, needs nothing but the SDK and React, and is in the README", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  expect(
    readdirSync(EXAMPLES)
      .filter((name) => /\.tsx?$/.test(name))
      .sort(),
  ).toEqual([...SCRIPTS].sort());
  for (const name of SCRIPTS) {
    const script = readFileSync(join(EXAMPLES, name), "utf8");
    expect(script.trimEnd().split("\n").length, name).toBeLessThan(MOST_LINES);
    const imported = [...script.matchAll(/from "([^"]+)"/g)].map(([, path]) => path);
    const allowed = ["rollcall/client", "rollcall/react", "react", "react-dom/client"];
    expect(
      imported.filter((path) => !allowed.includes(path ?? "")),
      name,
    ).toEqual([]);
    expect(readme.includes(`docs/examples/${name}`), name).toBe(true);
  }
});

test("[EX5] `npm run examples` serves all three, and writes nothing", async () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const port = await freePort();
  const command = scripts.examples.replace(":8788", `:${port}`);
  const bin = join(ROOT, "node_modules/.bin");
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  const before = readdirSync(EXAMPLES);
  const server = spawn("sh", ["-c", `exec ${command}`], {
    cwd: ROOT,
    env,
    stdio: ["pipe", "ignore", "ignore"],
  });
  try {
    const get = (path: string) => fetch(`http://127.0.0.1:${port}/${path}`);
    await expect
      .poll(async () => (await get("chat.html").catch(() => undefined))?.status, { timeout: 20_000 })
      .toBe(200);
    for (const name of SCRIPTS) {
      const script = await get(name.replace(/tsx?$/, "js"));
      expect(script.status, name).toBe(200);
      expect((await script.text()).includes("/v1/dev/token"), name).toBe(true);
    }
    expect(readdirSync(EXAMPLES)).toEqual(before);
  } finally {
    server.kill();
  }
});

describe.skipIf(!hasBrowser)("the examples, each with two people in two pages", () => {
  const suite = pageSuite(EXAMPLES, SCRIPTS, { OFFLINE_GRACE_SECONDS: "1" });

  async function two(name: string): Promise<[Page, Page]> {
    const [ann, ben] = [await suite.open(name, "ann"), await suite.open(name, "ben")];
    if (process.env.EXAMPLE_PICTURES !== undefined) await ben.emulateMedia({ colorScheme: "dark" });
    return [ann, ben];
  }

  test("[EX2] the chat shows messages, who types, and who has read them", async () => {
    const [ann, ben] = await two("chat");
    const composer = ann.getByRole("textbox", { name: "Message" });
    await ben.getByRole("textbox", { name: "Message" }).waitFor();
    const isTyping = async () => {
      await composer.pressSequentially("."); // a signal is for who is there already: ben may only be joining
      return ben.getByText("ann typing…").isVisible();
    };
    await expect.poll(isTyping, { timeout: 20_000 }).toBe(true);
    await composer.fill("Shall we ship?");
    await picture(ben, "chat-typing");
    await composer.press("Enter");
    const said = ann.getByRole("listitem").filter({ hasText: "Shall we ship" });
    await ben.getByRole("listitem").filter({ hasText: "Shall we ship" }).waitFor();
    await said.getByText("read by ben").waitFor();
    await ben.getByText("ann typing…").waitFor({ state: "detached" });
    await expect(composer.inputValue()).resolves.toBe("");
    await ben.getByRole("textbox", { name: "Message" }).fill("Not on a Friday.");
    await ben.getByRole("button", { name: "Send" }).click();
    await ben.getByRole("listitem").filter({ hasText: "Friday" }).getByText("read by ann").waitFor();
    await picture(ann, "chat");
    await picture(ben, "chat-dark");
    await ann.reload(); // what was said before is there again
    await ann.getByText("Shall we ship").waitFor();
  });

  test("[EX3] the list shows who comes online, their status, and who goes", async () => {
    const [ann, ben] = await two("online");
    const row = (page: Page, user: string) => page.getByRole("listitem").filter({ hasText: user });
    await row(ann, "ben").getByText("online").waitFor();
    await row(ben, "ann").getByText("online").waitFor();
    await expect(row(ann, "cid").getByText("offline").isVisible()).resolves.toBe(true);
    await ben.getByRole("button", { name: "busy" }).click();
    await row(ann, "ben").getByText("busy").waitFor();
    await ben.locator("button[aria-pressed=true]", { hasText: "busy" }).waitFor();
    await picture(ann, "online");
    await picture(ben, "online-mine");
    await ben.context().close();
    await row(ann, "ben").getByText("offline, last seen").waitFor();
    await picture(ann, "online-gone");
  });

  test("[EX4] the board shows the other's cursor where it is, and no longer when they have gone", async () => {
    const [ann, ben] = await two("cursors");
    await ann.getByText("2 here").waitFor();
    await ben.mouse.move(100, 100);
    await ben.mouse.move(360, 320, { steps: 5 });
    const cursor = ann.locator(".cursor", { hasText: "ben" });
    await cursor.waitFor();
    await ben.mouse.move(540, 160, { steps: 20 });
    const place = async () => {
      const { x = 0, y = 0 } = (await cursor.boundingBox()) ?? {};
      return [Math.round(x), Math.round(y)];
    };
    await expect.poll(place, { timeout: 10_000 }).toEqual([540, 160]); // where it has come to rest
    await picture(ann, "cursors");
    await expect(ben.locator(".cursor").count()).resolves.toBe(0);
    await ben.context().close();
    await cursor.waitFor({ state: "detached" });
    await ann.getByText("1 here").waitFor();
  });
});

/** For who looks: `EXAMPLE_PICTURES=<folder>` keeps what was seen. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.EXAMPLE_PICTURES;
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) });
}
