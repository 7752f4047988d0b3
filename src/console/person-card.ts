import { type Connection, connect, type DeviceType } from "../client/index.ts";
import { avatar } from "./avatar.ts";
import { Composer } from "./composer.ts";
import { element, iconButton } from "./elements.ts";
import { FrameLog } from "./frame-log.ts";
import { IdentityPanel } from "./identity-panel.ts";
import { MemberList } from "./member-list.ts";
import { MessageList } from "./message-list.ts";
import { StatusLine } from "./status-line.ts";
import { TypingLine } from "./typing-line.ts";

const DEVICE_TYPES: readonly DeviceType[] = ["web", "mobile", "desktop", "tv", "bot", "other"];
/** So many of the newest messages greet who joins. */
const EARLIER = 20;

/** What a card tells the page. */
export interface CardHandlers {
  /** The person connects by hand: to which channel? */
  channel(): string;
  /** Connected, lost or closed. */
  changed(): void;
  removed(): void;
  /** The same user once more, on another device. */
  doubled(): void;
}

/** One person on one device: a connection of their own and everything it shows. */
export class PersonCard {
  readonly element: HTMLElement;
  readonly user: string;
  readonly #handlers: CardHandlers;
  readonly #status = new StatusLine();
  readonly #members: MemberList;
  readonly #messages: MessageList;
  readonly #typing = new TypingLine();
  readonly #composer: Composer;
  readonly #identity: IdentityPanel;
  readonly #frames = new FrameLog();
  readonly #device = element("select", { "aria-label": "Device type" });
  readonly #toggle = element("button", { class: "button small", type: "button" }, "Connect");
  #connection: Connection | undefined;

  constructor(user: string, device: DeviceType, handlers: CardHandlers) {
    this.user = user;
    this.#handlers = handlers;
    this.#members = new MemberList(user);
    this.#messages = new MessageList(user);
    this.#composer = new Composer(user, this.#typing);
    this.#identity = new IdentityPanel(user);
    this.#device.append(...DEVICE_TYPES.map((type) => element("option", { value: type }, type)));
    this.#device.value = device;
    this.#device.addEventListener("change", () => this.#rejoin());
    this.#toggle.addEventListener("click", () => this.#switch());
    this.element = element(
      "section",
      { class: "card", "aria-label": user },
      this.#head(),
      this.#members.element,
      this.#messages.element,
      this.#composer.element,
      element("div", { class: "drawers" }, this.#identity.element, this.#frames.element),
    );
  }

  /** Whether there is a connection that lives or tries to. */
  get isConnected(): boolean {
    return this.#connection !== undefined && this.#connection.state.name !== "closed";
  }

  get channel(): string | undefined {
    return this.isConnected ? this.#connection?.channel : undefined;
  }

  /** Leaves whatever channel this person was in, and joins `channel`. */
  join(channel: string): void {
    const claims = this.#identity.readClaims();
    if (claims === undefined) return;
    this.leave();
    const connection = connect({
      url: location.origin,
      token: () => this.#identity.fetchToken(claims),
      channel,
      device: { type: this.#deviceType(), name: "Rollcall console" },
    });
    this.#connection = connection;
    this.#frames.attach(connection);
    this.#members.attach(connection);
    this.#messages.attach(connection);
    this.#typing.attach(connection);
    this.#composer.attach(connection);
    connection.on("status", () => this.#show());
    const forget = connection.on("welcome", ({ offset = 0 }) => {
      forget(); // a reconnect recovers by itself
      void this.#readEarlier(connection, offset);
    });
    this.#show();
  }

  leave(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#show();
  }

  focus(): void {
    this.#composer.focus();
  }

  #head(): HTMLElement {
    const double = iconButton("plus", `Add another device of ${this.user}`);
    double.addEventListener("click", () => this.#handlers.doubled());
    const remove = iconButton("remove", `Remove ${this.user}`);
    remove.addEventListener("click", () => {
      this.leave();
      this.#handlers.removed();
    });
    const name = element("div", { class: "who" }, element("h2", {}, this.user), this.#status.element);
    const actions = element("div", { class: "actions" }, this.#device, this.#toggle, double, remove);
    return element("header", { class: "card-head" }, avatar(this.user), name, actions);
  }

  /** The last messages up to `offset`; what came after it comes live. Never rejects: trouble is shown. */
  async #readEarlier(connection: Connection, offset: number): Promise<void> {
    try {
      const { messages } = await connection.history({ after: Math.max(0, offset - EARLIER), limit: EARLIER });
      this.#messages.addEarlier(messages.filter((message) => message.offset <= offset));
    } catch (error) {
      this.#composer.complain(error);
    }
  }

  #switch(): void {
    if (this.isConnected) this.leave();
    else this.join(this.#handlers.channel());
  }

  /** A device says what it is when it connects, and only then. */
  #rejoin(): void {
    if (this.channel !== undefined) this.join(this.channel);
  }

  #deviceType(): DeviceType {
    return DEVICE_TYPES.find((type) => type === this.#device.value) ?? "other";
  }

  #show(): void {
    this.#status.show(this.#connection?.state);
    this.element.dataset.state = this.#connection?.state.name ?? "closed";
    this.#toggle.textContent = this.isConnected ? "Disconnect" : "Connect";
    if (!this.isConnected) {
      this.#members.clear();
      this.#typing.clear();
      this.#composer.detach();
    }
    this.#handlers.changed();
  }
}
