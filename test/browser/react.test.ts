import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { hasBrowser } from "../fixtures/console-page.ts";
import { pageSuite } from "../fixtures/pages.ts";
import { RawClient } from "../fixtures/raw-client.ts";
import { tokenFor } from "../fixtures/tokens.ts";

const PAGES = new URL("pages", import.meta.url).pathname;

const show = (page: Page, ...parts: string[]) => page.evaluate(`hooks.show(${JSON.stringify(parts)})`);
const part = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
const shows = (page: Page, name: string, text: string) =>
  expect.poll(() => part(page, name).innerText(), { timeout: 15_000 }).toContain(text);
const renders = (page: Page): Promise<Record<string, number>> => page.evaluate("({ ...hooks.renders })");

describe.skipIf(!hasBrowser)("react hooks in a page, in strict mode", () => {
  // A busy machine takes its time to come back from a cut.
  const suite = pageSuite(PAGES, ["rooms.tsx"], { OFFLINE_GRACE_SECONDS: "5" });
  let rooms = 0;

  /** Pages of people in a room of their own, and somebody beside them who notes each frame. */
  async function open(...users: string[]) {
    const room = `react-${++rooms}`;
    const names = Object.fromEntries(["ann", "ben"].map((user) => [user, `${user}-${rooms}`]));
    const pages = await Promise.all(
      users.map((user) => suite.open("rooms", names[user] ?? user, { room, ...names })),
    );
    const observer = await RawClient.welcomed({
      url: suite.service.url,
      token: await tokenFor("observer"),
      channel: room,
      pingEveryMs: 5_000,
      answersProbes: true,
    });
    /** Who came and went, as the observer saw it. */
    const moves = () =>
      observer.frames
        .filter(({ type }) => type === "members")
        .flatMap(({ joined, left }) => [
          ...(joined as { user: string }[]).map(({ user }) => `+${user}`),
          ...(left as { user: string }[]).map(({ user }) => `-${user}`),
        ]);
    return { pages, observer, moves, names, room };
  }

  test("[RE3] a storm of mounts and unmounts is one join and, at its end, one leave", async () => {
    const { pages, observer, moves, names } = await open("ann");
    const [page] = pages as [Page];
    await show(page, "connection", "members", "messages", "composer");
    await shows(page, "members", `2: ${names.ann},observer`);
    for (let times = 0; times < 20; times++) {
      await show(page, "connection");
      await show(page, "members", "composer");
      await show(page);
      await show(page, "messages", "members", "mine");
    }
    await shows(page, "members", `2: ${names.ann},observer`);
    expect(moves()).toEqual([`+${names.ann}`]);
    await expect(page.evaluate("hooks.sockets.length")).resolves.toBe(1);
    await show(page, "connection");
    await observer.next("members", ({ left }) => (left as unknown[]).length > 0);
    expect(moves()).toEqual([`+${names.ann}`, `-${names.ann}`]);
    await shows(page, "connection", `open ${names.ann}`);
    await observer.close();
  });

  test("[RE4] a component is rendered when what it shows has changed, and else not", async () => {
    const { pages, observer, names } = await open("ann");
    const [page] = pages as [Page];
    await show(page, "connection", "members", "messages", "composer");
    await shows(page, "composer", "open");
    await shows(page, "members", `2: ${names.ann},observer`);
    await page.waitForTimeout(300); // what is under way when it opens has come
    const before = await renders(page);
    await observer.ask({ type: "publish", data: "hello" });
    await shows(page, "messages", "[hello]");
    await shows(page, "composer", "heard [hello]");
    const after = await renders(page);
    // Strict mode renders each twice.
    expect(after).toEqual({
      ...before,
      messages: (before.messages ?? 0) + 2,
      composer: (before.composer ?? 0) + 2,
    });
    await observer.close();
  });

  test("[RE5] a lost connection is shown, comes back, and what was said meanwhile is there in order and once", async () => {
    const { pages, observer, moves, names } = await open("ann");
    const [page] = pages as [Page];
    await show(page, "connection", "messages", "composer", "members");
    await shows(page, "members", `2: ${names.ann},observer`);
    for (const data of [1, 2]) await observer.ask({ type: "publish", data });
    await shows(page, "messages", "[1,2]");
    const membersBefore = (await renders(page)).members;
    await page.evaluate("hooks.cut()");
    await expect.poll(() => page.evaluate("hooks.sockets.length"), { timeout: 10_000 }).toBeGreaterThan(1);
    for (const data of [3, 4, 5, 6]) await observer.ask({ type: "publish", data });
    await shows(page, "messages", "[2,3,4,5,6]");
    await shows(page, "composer", "open; heard [1,2,3,4,5,6]");
    await shows(page, "connection", `open ${names.ann}`);
    await expect(page.evaluate("hooks.shownStates.slice(-4)")).resolves.toEqual([
      "open",
      "waiting",
      "connecting",
      "open",
    ]);
    expect(moves()).toEqual([`+${names.ann}`]);
    expect((await renders(page)).members).toBe(membersBefore);
    await observer.close();
  });

  test("[RE9] who comes later sees what was said before", async () => {
    const { pages, observer } = await open("ann");
    const [page] = pages as [Page];
    for (const data of [1, 2, 3, 4, 5, 6, 7]) await observer.ask({ type: "publish", data });
    await show(page, "members"); // the channel is joined without a word of its log
    await shows(page, "members", "2:");
    await show(page, "members", "messages");
    await shows(page, "messages", "[3,4,5,6,7]");
    await observer.close();
  });

  test("[RE6] two people see each other come, say a status, and go", async () => {
    const { pages, observer, names } = await open("ann", "ben");
    const [ann, ben] = pages as [Page, Page];
    await show(ann, "connection", "ben", "mine");
    await show(ben, "ann", "mine");
    await shows(ann, "ben", "online");
    await shows(ben, "ann", "online");
    await shows(ben, "mine", "online");
    await part(ben, "mine").getByRole("button", { name: "busy" }).click();
    await shows(ann, "ben", "busy Release day");
    await shows(ben, "mine", "busy Release day");
    await ben.context().close();
    await shows(ann, "ben", "offline");
    await shows(ann, "connection", `open ${names.ann}`);
    await observer.close();
  });

  test("[RE10] another device is another connection, and the same person in the room; the old one closes", async () => {
    const { pages, observer, moves, names } = await open("ann");
    const [page] = pages as [Page];
    const states = () => page.evaluate("hooks.sockets.map(({ readyState }) => readyState)");
    await show(page, "connection", "members");
    await shows(page, "members", `2: ${names.ann},observer`);
    await page.evaluate(`hooks.become("web")`); // rendered, and nothing is another
    await page.evaluate(`hooks.become("tv")`);
    await shows(page, "connection", `open ${names.ann}`);
    await shows(page, "members", `2: ${names.ann},observer`);
    await expect.poll(states, { timeout: 10_000 }).toEqual([WebSocket.CLOSED, WebSocket.OPEN]);
    expect(moves()).toEqual([`+${names.ann}`]);
    await observer.close();
  });

  test("[RE8] who types is shown to the others until they have said it", async () => {
    const { pages, observer, names } = await open("ann", "ben");
    const [ann, ben] = pages as [Page, Page];
    for (const page of pages) await show(page, "composer", "members");
    for (const page of pages) await shows(page, "members", "3:");
    await part(ann, "composer").getByRole("textbox").pressSequentially("hm");
    await shows(ben, "composer", `typing [${names.ann}]`);
    await shows(ann, "composer", "typing []");
    await part(ann, "composer").getByRole("button", { name: "publish" }).click();
    await shows(ben, "composer", "heard [hm]; typing []");
    await observer.close();
  });

  test("[RE14] of the handlers that a component gave, those of its last render are called", async () => {
    const { pages, observer } = await open("ann");
    const [page] = pages as [Page];
    await show(page, "composer");
    await shows(page, "composer", "open");
    observer.send({ type: "signal", event: "wave" });
    await shows(page, "composer", "heard [wave while open]");
    await observer.close();
  });
});
