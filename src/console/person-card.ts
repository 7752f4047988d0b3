import { type Connection, connect, type DeviceType, type PresenceChange } from "../client/index.ts";
import { avatar } from "./avatar.ts";
import type { CardBody } from "./card-body.ts";
import type { CardHandlers, Seat } from "./card-handlers.ts";
import { reportBeside, reportConnection, sees, tellFaults } from "./card-reports.ts";
import { ChannelTalk } from "./channel-talk.ts";
import { element, iconButton } from "./elements.ts";
import { FaultPanel } from "./fault-panel.ts";
import { FrameLog } from "./frame-log.ts";
import { IdentityPanel } from "./identity-panel.ts";
import { OwnNote } from "./own-note.ts";
import { SessionPanel } from "./session-panel.ts";
import { endSession, type Owner } from "./session-routes.ts";
import { SideConnection } from "./side-connection.ts";
import { StatusLine } from "./status-line.ts";
import { StatusPanel } from "./status-panel.ts";
import { WatchPanel } from "./watch-panel.ts";

const DEVICE_TYPES: readonly DeviceType[] = ["web", "mobile", "desktop", "tv", "bot", "other"];
/** Close code of a connection whose token was revoked. */
const REVOKED = 4501;

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
  readonly #faults: FaultPanel;
  readonly #frames = new FrameLog();
  readonly #device = element("select", { "aria-label": "Device type" });
  readonly #toggle = element("button", { class: "button small", type: "button" }, "Connect");
  #connection: Connection | undefined;

  constructor({ user, device, place }: Seat, handlers: CardHandlers) {
    this.user = user;
    this.place = place;
    this.#handlers = handlers;
    this.#body = place === "own" ? new OwnNote(user) : new ChannelTalk(user, handlers);
    this.#faults = new FaultPanel(user, {
      evict: () => this.#evict(),
      hurry: () => this.#connection?.check(),
      witness: () => handlers.witness(this.channel),
      told: (words) => handlers.happened({ kind: "fault", who: user, words, by: user }),
    });
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
      this.#faults.element,
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
      ...this.#ways(),
    });
    this.#connection = connection;
    reportConnection(connection, this.user, this.#handlers);
    tellFaults(connection, this.#faults);
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
    this.#faults.forget();
    this.#show();
  }

  focus(): void {
    this.#body.focus();
  }

  /** Whether this card is connected, and sees the person among those in `channel`, or among those it watches. */
  sees(user: string, channel: string | undefined): boolean {
    return this.#connection !== undefined && sees(this.#connection, user, channel);
  }

  /** The card of `by` was told that this person is gone. */
  noteGone(by: string): void {
    this.#faults.note({ type: "gone", by });
  }

  /** Who this is to the service, with a token made if there is none. Rejects where none can be made. */
  async owner(): Promise<Owner> {
    return { user: this.user, token: await this.#identity.currentToken() };
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

  /** How both connections of the card reach the service, and as what. */
  #ways() {
    const { WebSocket, fetch } = this.#faults.line;
    return { device: this.#deviceHere(), WebSocket, fetch };
  }

  async #evict(): Promise<void> {
    const session = this.#session;
    if (session === undefined) throw new Error("there is no session right now");
    await endSession(await this.owner(), session);
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
    const connection = connect({ url: location.origin, token, ...this.#ways() });
    this.#frames.attach(connection);
    reportBeside(connection, this.#handlers);
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
    this.#faults.enable(this.isConnected);
    this.#watching.follow();
    this.#handlers.changed();
  }
}
