import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { isInHistory, type Version, versionAt, versionNow } from "../fixtures/earlier-version.ts";
import { findKept, type Kept, keep } from "../fixtures/kept.ts";
import { KEY } from "../fixtures/tokens.ts";
import { type Lacking, tour } from "../fixtures/tour.ts";
import { type Owners, startTwoVersions, type Which } from "../fixtures/two-versions.ts";

interface Earlier {
  commit: string;
  /** What its objects do not know. */
  lacking: Lacking[];
}

/** Versions that were deployed before this one. To move one on is to give up that step: docs/decisions/0016. */
const EARLIER: Record<string, Earlier> = {
  "before there were relays": { commit: "8240f800b63ac6c433943736622fe881506d6a50", lacking: ["costs"] },
  "before events left": { commit: "e9dd3f5ab68dd68e0faf2edd4bc5321659a28db2", lacking: [] },
};
const vars = { OFFLINE_GRACE_SECONDS: "0.3" };

// A clone without history has no earlier version. CI clones with it, and there it must not go unnoticed.
const { CI } = process.env;
const isMissing = Object.values(EARLIER).some(({ commit }) => !isInHistory(commit));
if (isMissing && CI === undefined)
  console.warn("versions are not tested side by side: git has not the earlier ones");

describe.skipIf(isMissing && CI === undefined).each(Object.entries(EARLIER))(
  "the version %s",
  (_, { commit, lacking }) => {
    let versions: Record<Which, Version>;
    beforeAll(async () => {
      versions = { old: await versionAt(commit), new: await versionNow() };
    }, 120_000);

    test.each<[string, Owners, Which[]]>([
      ["[VS1] a Worker of this version serves with objects of the earlier one", { others: "old" }, ["new"]],
      ["[VS2] a Worker of the earlier version serves with objects of this one", { others: "new" }, ["old"]],
      [
        "[VS3] users' objects of the earlier version and all others of this one understand each other",
        { UserObject: "old", others: "new" },
        ["old", "new"],
      ],
      [
        "[VS3] users' objects of this version and all others of the earlier one understand each other",
        { UserObject: "new", others: "old" },
        ["old", "new"],
      ],
    ])("%s", async (_, owners, workers) => {
      const both = await startTwoVersions({ versions, owners, vars });
      try {
        for (const which of workers)
          await tour(both.urls[which], which, which === "new" && owners.others === "old" ? lacking : []);
        expect(
          both
            .output()
            .split("\n")
            .filter((line) => /not a function|is undefined/.test(line)),
        ).toEqual([]);
      } finally {
        await both.kill();
      }
    });

    test("[VS5] what an earlier object can't do is unavailable for a while, and no failure of ours", async () => {
      const both = await startTwoVersions({ versions, owners: { others: "old" }, vars });
      try {
        const answer = await fetch(`${both.urls.new}/v1/stats`, { headers: KEY });
        const { status, headers } = answer;
        const said = [status, headers.get("Retry-After"), ((await answer.json()) as { code?: string }).code];
        expect(said).toEqual(lacking.includes("costs") ? [503, "30", "unavailable"] : [200, null, undefined]);
      } finally {
        await both.kill();
      }
    });

    test("[VS4] what either version has stored the other finds, on the way forward and back", async () => {
      const persistTo = await mkdtemp(join(tmpdir(), "rollcall-versions-"));
      const kept: Kept[] = [];
      try {
        for (const [i, which] of (["old", "new", "old", "new"] as const).entries()) {
          const service = await startTwoVersions({ versions, owners: { others: which }, vars, persistTo });
          try {
            for (const each of kept) await findKept(service.urls[which], each);
            kept.push(await keep(service.urls[which], `${which}${i}`));
          } finally {
            await service.kill();
          }
        }
      } finally {
        await rm(persistTo, { recursive: true, force: true });
      }
    });
  },
);
