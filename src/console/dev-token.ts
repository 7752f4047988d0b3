/** A token of the service's own maker, which answers only where the console is on. `expiresAt` in ms. */
export interface DevToken {
  token: string;
  expiresAt: number;
}

/** Asks for a user's token, with more claims where given. Throws an Error that a person can read. */
export async function makeDevToken(user: string, claims: object): Promise<DevToken> {
  const response = await fetch("/v1/dev/token", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user, claims }),
  });
  const body: unknown = await response.json();
  if (response.ok && isDevToken(body)) return body;
  throw new Error(`no token: ${detailOf(body) ?? `the service answered ${response.status}`}`);
}

function isDevToken(body: unknown): body is DevToken {
  if (typeof body !== "object" || body === null) return false;
  return "token" in body && typeof body.token === "string" && "expiresAt" in body;
}

function detailOf(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("detail" in body)) return undefined;
  return String(body.detail);
}
