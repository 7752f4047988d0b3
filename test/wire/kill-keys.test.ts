import { expect, test } from "vitest";
import { killRun } from "../fixtures/kill-run.ts";

// `npm run bench:kills` does it a hundred times.
test("[F1] [F2] [F3] kill -9 under keyed writers: nothing acknowledged is lost, every key is there once, and every view is whole", async () => {
  const { wrong, ...run } = await killRun({ kills: 10, writers: 8, subscribers: 200 });
  console.log(JSON.stringify(run));
  expect(wrong).toEqual([]);
  expect(run.acknowledged).toBeGreaterThanOrEqual(10 * 40);
  expect(run.heard).toBe(200 * run.keys);
}, 300_000);
