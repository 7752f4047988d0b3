const names = new Map<string, string>();

/** The name of the object of this target: the SHA-256 of its address in hexadecimal, for an address may hold a secret. */
export async function targetName(url: string): Promise<string> {
  const known = names.get(url);
  if (known !== undefined) return known;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(url)));
  const name = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  names.set(url, name);
  return name;
}
