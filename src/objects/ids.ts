/** What an id is made of: 128 bits, random or of a digest. */
export const ID_BYTES = 16;
const ID_CHARACTERS = 22;

/** The first 128 bits as 22 characters of base64url. */
export function idOf(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes.slice(0, ID_BYTES)));
  return text.replaceAll("+", "-").replaceAll("/", "_").slice(0, ID_CHARACTERS);
}
