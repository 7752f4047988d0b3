import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Migration, readConfiguration } from "./configuration.ts";

/** Before this one a migration was changed once more, while nothing was deployed: from here on nobody may. */
const FIRST = "6323992";
/** How far back: whoever changed the oldest of them would have failed twenty changes ago. */
const VERSIONS = 20;

/**
 * The migrations of earlier commits of this file, the newest first; undefined where there is no repository, or where it
 * was cloned without a history.
 */
export function pastMigrations(root: string, path: string): Migration[][] | undefined {
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const folder = mkdtempSync(join(tmpdir(), "rollcall-past-"));
  try {
    if (git("rev-parse", "--is-shallow-repository").trim() === "true") return undefined;
    // Branches that were merged may have been anything; what could have been deployed is the line that they came to.
    const line = ["--first-parent", `${FIRST}^..HEAD`, `-${VERSIONS}`, "--format=%H"];
    const commits = git("log", ...line, "--", path)
      .split("\n")
      .filter(Boolean);
    return commits.flatMap((commit) => {
      const text = textAt(git, commit, path);
      if (text === undefined) return [];
      const copy = join(folder, `${commit}.toml`);
      writeFileSync(copy, text);
      return [readConfiguration(copy).migrations];
    });
  } catch (cause) {
    if ((cause as { status?: number }).status === undefined) throw cause;
    return undefined; // git says that this is no repository
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Undefined where that commit removed the file. */
function textAt(git: (...args: string[]) => string, commit: string, path: string): string | undefined {
  if (git("ls-tree", commit, "--", path) === "") return undefined;
  return git("show", `${commit}:./${path}`);
}
