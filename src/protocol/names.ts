import * as z from "zod";

/** What user ids, channel names and session ids are made of. */
const NAME = /^[A-Za-z0-9_\-.:@=+~]{1,128}$/;
const PRIVATE_PREFIX = "private:";

/** 1-128 characters of `A-Z a-z 0-9 _ - . : @ = + ~`; compared byte for byte. */
export const UserId = z.string().regex(NAME, "1-128 characters of A-Z a-z 0-9 _ - . : @ = + ~");
export type UserId = z.infer<typeof UserId>;

/** The same alphabet as user ids. A name that starts with `private:` needs an explicit capability. */
export const ChannelName = z.string().regex(NAME, "1-128 characters of A-Z a-z 0-9 _ - . : @ = + ~");
export type ChannelName = z.infer<typeof ChannelName>;

/** Given by the server, unguessable, unique for ever: so it is also the generation of its connection. */
export const SessionId = z.string().regex(/^[A-Za-z0-9_\-.:@=+~]{1,64}$/, "a session id");
export type SessionId = z.infer<typeof SessionId>;

export function isPrivateChannel(channel: string): boolean {
  return channel.startsWith(PRIVATE_PREFIX);
}

/** A pattern is a name in which `*` stands for any run of characters, the empty one included. */
export const Pattern = z.string().regex(/^[A-Za-z0-9_\-.:@=+~*]{1,128}$/, "a name with * as a wildcard");

/** Text that people read: no control characters, no half of a surrogate pair. */
export function plainText(maxCharacters: number) {
  return z
    .string()
    .max(maxCharacters)
    .refine(
      (text) => text.isWellFormed() && !hasControlCharacter(text),
      "control characters are not allowed",
    );
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return true;
  }
  return false;
}

export const DeviceType = z.enum(["web", "mobile", "desktop", "tv", "bot", "other"]);
export type DeviceType = z.infer<typeof DeviceType>;

/** Of the client's choosing, the same for one installation. It has a cursor of its own in the user's inbox. */
export const DeviceId = plainText(64).min(1);

/** What a client says of its device when it connects. */
export const Device = z.object({
  id: DeviceId.optional(),
  type: DeviceType.default("other"),
  name: plainText(64).optional(),
});
export type Device = z.infer<typeof Device>;
