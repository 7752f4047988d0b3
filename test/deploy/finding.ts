/** What one check found: `fail` must not be deployed, `warn` is for somebody to decide. */
export interface Finding {
  verdict: "ok" | "warn" | "fail";
  /** What was looked at, in one word or two. */
  about: string;
  /** One sentence, which names settings and never a secret's value. */
  says: string;
}

export const ok = (about: string, says: string): Finding => ({ verdict: "ok", about, says });
export const warn = (about: string, says: string): Finding => ({ verdict: "warn", about, says });
export const fail = (about: string, says: string): Finding => ({ verdict: "fail", about, says });

/** What was found; or, where that is nothing, that all is well. */
export function orOk(findings: Finding[], about: string, says: string): Finding[] {
  return findings.length > 0 ? findings : [ok(about, says)];
}
