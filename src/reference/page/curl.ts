import type { Operation } from "../document.ts";

/** Set once, in the shell that the commands are pasted into. */
export const SHELL_VARIABLES = `export ROLLCALL_URL=http://127.0.0.1:8787
export ROLLCALL_KEY=rollcall-local-development-key
export ROLLCALL_TOKEN=$(npm run -s token -- ann)`;

/** A command that asks for this, with the first of its examples. */
export function curlOf(method: string, path: string, operation: Operation): string {
  const { parameters, security, requestBody } = operation;
  const filled = parameters
    .filter(({ in: place }) => place === "path")
    .reduce((text, { name, example }) => text.replace(`{${name}}`, String(example)), path);
  const lines = [`curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}"$ROLLCALL_URL${filled}"`];
  const isForKeys = security.some((way) => "apiKey" in way);
  if (security.length > 0)
    lines.push(`-H "Authorization: Bearer $${isForKeys ? "ROLLCALL_KEY" : "ROLLCALL_TOKEN"}"`);
  if ("text/event-stream" in (operation.responses["200"]?.content ?? {}))
    lines.push('-N -H "Accept: text/event-stream"');
  const body = Object.values(requestBody?.content["application/json"]?.examples ?? {}).at(-1)?.value;
  if (body !== undefined) lines.push(`-d ${quoted(JSON.stringify(body))}`);
  return lines.join(" \\\n  ");
}

/** As one word of a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
