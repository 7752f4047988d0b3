import type { Configuration } from "./configuration.ts";
import { type Finding, fail, orOk, warn } from "./finding.ts";

/** Without these it works almost: docs/decisions/0006 and 0011. */
const FLAGS = ["enable_request_signal", "no_web_socket_compression"];

/** What the code expects of the platform. */
export interface Expected {
  /** That of the runtime which the tests ran on, as YYYY-MM-DD. */
  testedDate: string;
  /** The classes that `worker.ts` exports. A kind is bound by its name: `UserObject` as `USER`. */
  objects: string[];
}

/** Whether what is asked of the platform is what the code expects of it. */
export function platformFindings(configuration: Configuration, { testedDate, objects }: Expected): Finding[] {
  return [
    ...orOk(datesAndFlags(configuration, testedDate), "platform", "date and flags are those that are tested"),
    ...orOk(
      bindings(configuration, objects),
      "bindings",
      "every kind of object is bound, and the console's files",
    ),
  ];
}

function datesAndFlags(configuration: Configuration, testedDate: string): Finding[] {
  const { compatibility_date: date, compatibility_flags: flags, observability } = configuration;
  const findings: Finding[] = [];
  if (date > testedDate) {
    findings.push(
      fail("platform", `compatibility_date ${date} is newer than the runtime that is tested (${testedDate})`),
    );
  }
  for (const flag of FLAGS) {
    if (!flags.includes(flag)) findings.push(fail("platform", `compatibility_flags lack ${flag}`));
  }
  if (observability?.enabled !== true) {
    findings.push(warn("platform", "observability is off: the log lines of a bad night are kept nowhere"));
  }
  return findings;
}

function bindings({ durable_objects, assets }: Configuration, objects: string[]): Finding[] {
  const findings: Finding[] = [];
  for (const className of objects) {
    const name = className.replace(/Object$/, "").toUpperCase();
    const bound = durable_objects.bindings.find((binding) => binding.name === name);
    if (bound === undefined) {
      findings.push(fail("bindings", `${name} is not bound; environments inherit no bindings`));
    } else if (bound.class_name !== className || bound.script_name !== undefined) {
      findings.push(fail("bindings", `${name} must be this Worker's own ${className}`));
    }
  }
  if (assets?.binding !== "ASSETS") {
    findings.push(fail("bindings", "ASSETS is not bound: what no route takes would fail"));
  } else if (assets.run_worker_first !== true) {
    findings.push(
      fail(
        "bindings",
        "assets.run_worker_first must be true: the console would be served where CONSOLE is off",
      ),
    );
  }
  return findings;
}
