import type { DeviceType } from "../client/index.ts";
import type { Seat } from "./card-handlers.ts";
import { MAX_PEOPLE, readDeepLink, writeDeepLink } from "./deep-link.ts";
import { pageElement } from "./elements.ts";
import { FeedView } from "./feed-view.ts";
import { GraphView } from "./graph-view.ts";
import { LogView } from "./log-view.ts";
import { OperatorView } from "./operator-view.ts";
import { PageFigures } from "./page-figures.ts";
import { PersonCard } from "./person-card.ts";
import { Views } from "./views.ts";

/** Different from the start, so that devices are seen to differ. */
const FIRST_DEVICES: readonly DeviceType[] = ["web", "mobile", "desktop", "tv"];

const join = pageElement("join", HTMLFormElement);
const channel = pageElement("channel", HTMLInputElement);
const connectAll = pageElement("connect-all", HTMLButtonElement);
const disconnectAll = pageElement("disconnect-all", HTMLButtonElement);
const add = pageElement("add", HTMLFormElement);
const person = pageElement("person", HTMLInputElement);
const people = pageElement("cards", HTMLElement);
const nobody = pageElement("nobody", HTMLElement);

const cards: PersonCard[] = [];
const figures = new PageFigures();
const feed = new FeedView();
const log = new LogView();
const graph = new GraphView(() => {
  const byUser = new Map(cards.filter((card) => card.isConnected).map((card) => [card.user, card]));
  return Promise.all([...byUser.values()].map((card) => card.owner()));
});
const operator = new OperatorView();

function addCard(user: string, place: Seat["place"] = "channel"): PersonCard | undefined {
  if (cards.length >= MAX_PEOPLE) return undefined;
  const device = FIRST_DEVICES[cards.length % FIRST_DEVICES.length] ?? "web";
  const name = nameFor(user);
  const card = new PersonCard(
    { user, device, place },
    {
      channel: () => channel.value,
      changed: () => {
        show();
        for (const other of cards) if (other.user === user) other.refresh();
      },
      removed: () => removeCard(card),
      doubled: () => {
        const second = addCard(user, place);
        if (card.isConnected) second?.join(card.channel ?? channel.value);
      },
      ownWanted: () => {
        const own = addCard(user, "own");
        own?.join(channel.value);
        own?.element.scrollIntoView({ block: "nearest" });
      },
      connected: (connection) => {
        figures.attach(connection);
        log.attach(connection, name);
      },
      happened: (happening) => feed.add(happening),
      sawGone: (gone) => {
        for (const other of cards) if (other.user === gone && other !== card) other.noteGone(user);
      },
      witness: (where) => cards.find((other) => other.user !== user && other.sees(user, where))?.user,
      published: (id, begunAt) => figures.published(id, begunAt),
      readEarlier: (messages) => log.readEarlier(messages, name),
    },
  );
  cards.push(card);
  people.append(card.element);
  show();
  return card;
}

function refreshAll(): void {
  for (const card of cards) card.refresh();
}

/** What a card is called where a person has several. */
function nameFor(user: string): string {
  const before = cards.filter((card) => card.user === user).length;
  return before === 0 ? user : `${user} ${before + 1}`;
}

function removeCard(card: PersonCard): void {
  cards.splice(cards.indexOf(card), 1);
  card.element.remove();
  show();
  person.focus();
}

/** Brings the bar and the address in line with the cards. */
function show(): void {
  const isAway = cards.filter((card) => !card.isIn(channel.value));
  const movesSomebody = isAway.some((card) => card.isConnected);
  connectAll.textContent = movesSomebody ? "Join channel" : "Connect everyone";
  connectAll.disabled = isAway.length === 0;
  disconnectAll.disabled = !cards.some((card) => card.isConnected);
  nobody.hidden = cards.length > 0;
  person.disabled = cards.length >= MAX_PEOPLE;
  const usersIn = (place: Seat["place"]) =>
    cards.filter((card) => card.place === place).map(({ user }) => user);
  const link = { people: usersIn("channel"), own: usersIn("own"), channel: channel.value };
  history.replaceState(null, "", writeDeepLink(link) + location.hash);
}

join.addEventListener("submit", (event) => {
  event.preventDefault();
  for (const card of cards) if (!card.isIn(channel.value)) card.join(channel.value);
  // On a phone it would call up the keyboard, over what there is to see.
  if (matchMedia("(pointer: fine)").matches) cards[0]?.focus();
});
channel.addEventListener("input", show);
document.addEventListener("visibilitychange", () => {
  refreshAll();
  graph.show();
});
disconnectAll.addEventListener("click", () => {
  for (const card of cards) card.leave();
});
add.addEventListener("submit", (event) => {
  event.preventDefault();
  const isAnyoneConnected = cards.some((card) => card.isConnected);
  const card = addCard(person.value);
  person.value = "";
  if (isAnyoneConnected) card?.join(channel.value);
  card?.element.scrollIntoView({ block: "nearest" });
});

const link = readDeepLink(location.search);
channel.value = link.channel;
for (const user of link.people) addCard(user);
for (const user of link.own) addCard(user, "own");

pageElement("aside", HTMLElement).append(figures.element, feed.element);
pageElement("main", HTMLElement).append(log.element, graph.element, operator.element);
const peopleView = { element: pageElement("people-view", HTMLElement), show: refreshAll };
new Views(
  pageElement("views", HTMLElement),
  { people: peopleView, log, graph, events: { element: feed.element, show: () => undefined }, operator },
  (name) => {
    document.body.dataset.view = name;
  },
).show();
