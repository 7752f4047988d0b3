import type { Link } from "./link.ts";

/** The documented limit (platform notes, 1.1). */
const MOST_ATTACHED_BYTES = 16_384;

/** What the platform keeps of one socket while its object sleeps. It is lost with the socket. */
export class ServerSocket {
  readonly link: Link;
  /** `closing` from either end's close until the object has heard of it. */
  state: "open" | "closing" | "gone" = "open";
  closedByUs = false;
  attachment = "";
  pingedAt: number | null = null;

  constructor(link: Link) {
    this.link = link;
  }

  attach(text: string): void {
    if (Buffer.byteLength(text) > MOST_ATTACHED_BYTES) throw new Error("an attachment is at most 16 KB");
    this.attachment = text;
  }
}
