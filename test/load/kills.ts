import { killRun } from "../fixtures/kill-run.ts";

/*
 * npm run bench:kills [-- 100]   kills the service so many times under eight writers and two hundred subscribers
 */
const kills = Number(process.argv[2] ?? 100);
const startedAt = performance.now();
const { wrong, ...run } = await killRun({ kills, writers: 8, subscribers: 200, told: console.log });
console.log(JSON.stringify({ kills, ...run, seconds: Math.round((performance.now() - startedAt) / 1000) }));
for (const sentence of wrong) console.error(sentence);
process.exitCode = wrong.length === 0 ? 0 : 1;
