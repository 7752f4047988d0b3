import type { Socket } from "../objects/ports.ts";
import type { RateLimit } from "../objects/rate-limit.ts";
import type { From } from "../protocol/bodies.ts";
import { Capability, type Claims } from "../protocol/claims.ts";
import type { ErrorCode } from "../protocol/codes.ts";
import type { ServerFrame } from "../protocol/server-frames.ts";
import { type Attachment, attachmentText, readAttachment } from "./attachment.ts";

/** Through which everything leaves that a connection is told, in the order in which it is told. */
export interface Outlet {
  tell(connection: Connection, text: string): void;
  /** It is about to be told that something it sent was refused. */
  refused(code: ErrorCode): void;
  /** It is about to be asked whether it is there, by the probe `n`. */
  asked(connection: Connection, n: number): void;
}

/** To rewrite an attachment costs CPU: after sleep, activity is known to within a second. */
const ACTIVE_STEP_MS = 1000;
const CAPABILITIES = Capability.options;

/** One live connection of a keeper. What must outlast sleep is in `state`; the rest is harmless to lose. */
export class Connection {
  readonly socket: Socket;
  readonly #outlet: Outlet;
  /** Since it first said something. */
  rate: RateLimit | undefined;
  /** Sent to it and not known to be read: kept by `SlowReaders`, and only its to change. */
  unreadBytes = 0;
  readonly session: string;
  /** As it is attached; read when it is asked for, and let go by `rest`. */
  #state: Attachment | undefined;
  /** Exact time of the last frame; the attachment's copy may lag by a quarter of the TTL. */
  #heardAt = 0;
  /** Likewise of the last thing that the client did. */
  #activeAt = 0;
  /** Two bits for each capability: whether it was decided, and how. */
  #grants = 0;
  badInARow = 0;
  /** How many messages more were refused for their rate than taken, since it was at peace. */
  excess = 0;

  /** Without a `state` it is what the socket carries. */
  constructor(socket: Socket, session: string, outlet: Outlet, state?: Attachment) {
    this.socket = socket;
    this.session = session;
    this.#outlet = outlet;
    this.#state = state;
  }

  get state(): Readonly<Attachment> {
    this.#state ??= readAttachment(this.socket.attachment);
    if (this.#state === undefined) throw new Error("an attachment that was readable is so no more");
    return this.#state;
  }

  get user(): string {
    return this.state.claims.sub;
  }

  /** How many channels this session is subscribed to. */
  get subscribedChannels(): number {
    const { subscriptions } = this.state;
    return subscriptions === "" ? 0 : subscriptions.split(" ").length;
  }

  /** When this client was last known to be there: a frame, or a ping that the platform answered. */
  get heardAt(): number {
    return Math.max(this.#heardAt, this.state.heardAt, this.socket.pingedAt() ?? 0);
  }

  /** A frame came. The attachment is rewritten at most four times a TTL: it costs CPU, though no row. */
  heard(now: number, ttlMs: number): void {
    this.#heardAt = now;
    if (now - this.state.heardAt >= ttlMs / 4 || this.state.probedAt !== null) {
      this.update({ heardAt: now, probedAt: null });
    }
  }

  /** When the client last did something, heartbeats apart. */
  get activeAt(): number {
    return Math.max(this.#activeAt, this.state.activeAt);
  }

  /** The client did something. */
  acted(now: number): void {
    this.#activeAt = now;
    if (now - this.state.activeAt >= ACTIVE_STEP_MS) this.update({ activeAt: now });
  }

  update(change: Partial<Attachment>): void {
    this.#state = { ...this.state, ...change };
    if (change.claims !== undefined) this.#grants = 0;
    this.socket.attach(attachmentText(this.#state));
  }

  /** Whether its claims give this here: decided once, because every frame to all asks. */
  may(capability: Capability, decide: (claims: Claims) => boolean): boolean {
    const bit = 1 << (2 * CAPABILITIES.indexOf(capability));
    if ((this.#grants & bit) === 0) this.#grants |= decide(this.state.claims) ? 3 * bit : bit;
    return (this.#grants & (2 * bit)) !== 0;
  }

  /** Lets go of what can be read again, or has become as if it never was: most only listen, for hours. */
  rest(now: number): void {
    this.#state = undefined;
    if (this.rate?.isFull(now)) this.rate = undefined;
  }

  send(frame: ServerFrame): void {
    if (frame.type === "error") this.#outlet.refused(frame.code);
    this.tell(JSON.stringify(frame));
  }

  /** The same of JSON text. Throws where it leaves at once and the socket fails. */
  tell(text: string): void {
    this.#outlet.tell(this, text);
  }

  /** Asks the client whether it is there, and has read all that it was sent: `n` is the time. */
  ask(n: number): void {
    this.update({ probedAt: n });
    this.#outlet.asked(this, n);
    this.send({ type: "probe", n });
  }
}

/** Who speaks, as receivers are told. */
export function fromConnection({ user, session, state }: Connection): From {
  const { id } = state.device;
  return id === undefined ? { user, session } : { user, session, device: id };
}
