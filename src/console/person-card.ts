import { type Connection, connect, type DeviceType, type PresenceChange } from "../client/index.ts";
import { avatar } from "./avatar.ts";
import type { CardBody } from "./card-body.ts";
import { ChannelTalk } from "./channel-talk.ts";
import { element, iconButton } from "./elements.ts";
import { FrameLog } from "./frame-log.ts";
import { IdentityPanel } from "./identity-panel.ts";
import { OwnNote } from "./own-note.ts";
import { SessionPanel } from "./session-panel.ts";
import { SideConnection } from "./side-connection.ts";
import { StatusLine } from "./status-line.ts";
import { StatusPanel } from "./status-panel.ts";
import { WatchPanel } from "./watch-panel.ts";

const DEVICE_TYPES: readonly DeviceType[] = ["web", "mobile", "desktop", "tv", "bot", "other"];
/** Close code of a connection whose token was revoked. */
const REVOKED = 4501;

/** Who sits at a card, and what the card connects to: a channel, or the person's own connection. */
export interface Seat {
  user: string;
  device: DeviceType;
  place: "channel" | "own";
}

/** What a card tells the page. */
export interface CardHandlers {
  /** The person connects by hand: to which channel? */
  channel(): string;
  /** Connected, lost or closed. */
  changed(): void;
  removed(): void;
  /** The same user once more, on another device. */
  doubled(): void;
  /** The same user once more, on their own connection. */
  ownWanted(): void;
}

/** One person on one device: a connection of their own and everything it shows. */
export class PersonCard {
  readonly element: HTMLElement;
  readonly user: string;
  readonly place: Seat["place"];
  readonly #handlers: CardHandlers;
  readonly #status = new StatusLine();
  readonly #body: CardBody;
  readonly #identity: IdentityPanel;
  readonly #presence: StatusPanel;
  readonly #sessions: SessionPanel;
  readonly #watching: WatchPanel;
  readonly #side = new SideConnection(() => this.#connectSide());
  readonly #frames = new FrameLog();
  readonly #device = element("select", { "aria-label": "Device type" });
  readonly #toggle = element("button", { class: "button small", type: "button" }, "Connect");
  #connection: Connection | undefined;

  constructor({ user, device, place }: Seat, handlers: CardHandlers) {
    this.user = user;
    this.place = place;
    this.#handlers = handlers;
    this.#body = place === "own" ? new OwnNote(user) : new ChannelTalk(user);
    this.#identity = new IdentityPanel(user);
    this.#presence = new StatusPanel(user, this.#identity, {
      say: (change) => this.#say(change),
      said: () => handlers.changed(),
    });
    this.#watching = new WatchPanel(user, this.#identity, {
      keepsOpen: place === "own",
      isConnected: () => this.isConnected,
      open: () => (place === "own" ? this.#connection : undefined) ?? this.#side.open(),
      close: () => this.#side.close(),
    });
    this.#sessions = new SessionPanel(user, this.#identity, {
      ownSession: () => this.#session,
      openOwn: () => handlers.ownWanted(),
      connectAnew: () => this.join(handlers.channel()),
    });
    this.#device.append(...DEVICE_TYPES.map((type) => element("option", { value: type }, type)));
    this.#device.value = device;
    this.#device.addEventListener("change", () => this.#rejoin());
    this.#toggle.addEventListener("click", () => this.#switch());
    const drawers = [this.#identity, this.#sessions, this.#watching, this.#frames].map((one) => one.element);
    this.element = element(
      "section",
      { class: "card", "aria-label": place === "own" ? `${user}, own connection` : user },
      this.#head(),
      this.#presence.element,
      ...this.#body.elements,
      element("div", { class: "drawers" }, ...drawers),
    );
  }

  /** Whether there is a connection that lives or tries to. */
  get isConnected(): boolean {
    return this.#connection !== undefined && this.#connection.state.name !== "closed";
  }

  /** The channel of a connection that lives or tries to. */
  get channel(): string | undefined {
    return this.isConnected ? this.#connection?.channelName : undefined;
  }

  /** Whether there is nothing to do for this card to be where it belongs when the page is in `channel`. */
  isIn(channel: string): boolean {
    return this.isConnected && (this.place === "own" || this.channel === channel);
  }

  /** Leaves whatever channel this person was in, and joins `channel`; an own connection has none. */
  join(channel: string): void {
    const claims = this.#identity.readClaims();
    if (claims === undefined) return;
    this.leave();
    const connection = connect({
      url: location.origin,
      token: () => this.#identity.fetchToken(claims),
      ...(this.place === "own" ? {} : { channel }),
      device: this.#deviceHere(),
    });
    this.#connection = connection;
    this.#frames.attach(connection);
    this.#presence.attach(connection);
    this.#body.attach(connection);
    this.#sessions.attach(connection);
    connection.on("status", () => this.#show());
    this.#show();
  }

  leave(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#side.forget();
    this.#show();
  }

  focus(): void {
    this.#body.focus();
  }

  /** Something happened that may have changed this person's sessions, or how they appear. */
  refresh(): void {
    this.#sessions.refresh();
    this.#presence.refresh();
    this.#watching.refresh();
  }

  #head(): HTMLElement {
    const double = iconButton("plus", `Add another device of ${this.user}`);
    double.addEventListener("click", () => this.#handlers.doubled());
    const remove = iconButton("remove", `Remove ${this.user}`);
    remove.addEventListener("click", () => {
      this.leave();
      this.#handlers.removed();
    });
    const title = element("h2", {}, this.user);
    if (this.place === "own") title.append(element("span", { class: "you" }, "own connection"));
    const name = element("div", { class: "who" }, title, this.#status.element);
    const actions = element("div", { class: "actions" }, this.#device, this.#toggle, double, remove);
    return element("header", { class: "card-head" }, avatar(this.user), name, actions);
  }

  #switch(): void {
    if (this.isConnected) this.leave();
    else this.join(this.#handlers.channel());
  }

  /** A device says what it is when it connects, and only then. */
  #rejoin(): void {
    if (this.isConnected) this.join(this.channel ?? this.#handlers.channel());
  }

  get #session(): string | undefined {
    return this.#connection?.state.name === "open" ? this.#connection.state.session : undefined;
  }

  #deviceHere(): { type: DeviceType; name: string } {
    const type = DEVICE_TYPES.find((one) => one === this.#device.value) ?? "other";
    return { type, name: "Rollcall console" };
  }

  async #say(change: PresenceChange): Promise<void> {
    await this.#connection?.presence.set(change);
    this.#side.took(change);
  }

  /** With the token that the card's own connection keeps fresh; its frames are shown among the others. */
  #connectSide(): Connection {
    const token = () => this.#identity.currentToken();
    const connection = connect({ url: location.origin, token, device: this.#deviceHere() });
    this.#frames.attach(connection);
    connection.on("status", () => this.#handlers.changed());
    return connection;
  }

  #show(): void {
    const state = this.#connection?.state;
    this.#status.show(state);
    this.element.dataset.state = state?.name ?? "closed";
    if (state?.name === "closed" && state.code === REVOKED) this.#identity.noteRevocation();
    this.#toggle.textContent = this.isConnected ? "Disconnect" : "Connect";
    if (!this.isConnected) {
      this.#body.detach();
      this.#presence.detach();
    }
    this.#watching.follow();
    this.#handlers.changed();
  }
}
