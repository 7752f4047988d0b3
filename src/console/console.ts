import type { DeviceType } from "../client/index.ts";
import { MAX_PEOPLE, readDeepLink, writeDeepLink } from "./deep-link.ts";
import { pageElement } from "./elements.ts";
import { PersonCard } from "./person-card.ts";

/** Different from the start, so that devices are seen to differ. */
const FIRST_DEVICES: readonly DeviceType[] = ["web", "mobile", "desktop", "tv"];

const join = pageElement("join", HTMLFormElement);
const channel = pageElement("channel", HTMLInputElement);
const connectAll = pageElement("connect-all", HTMLButtonElement);
const disconnectAll = pageElement("disconnect-all", HTMLButtonElement);
const add = pageElement("add", HTMLFormElement);
const person = pageElement("person", HTMLInputElement);
const people = pageElement("people", HTMLElement);
const nobody = pageElement("nobody", HTMLElement);

const cards: PersonCard[] = [];

function addCard(user: string): PersonCard | undefined {
  if (cards.length >= MAX_PEOPLE) return undefined;
  const device = FIRST_DEVICES[cards.length % FIRST_DEVICES.length] ?? "web";
  const card = new PersonCard(user, device, {
    channel: () => channel.value,
    changed: () => show(),
    removed: () => removeCard(card),
    doubled: () => {
      const second = addCard(user);
      if (card.channel !== undefined) second?.join(card.channel);
    },
  });
  cards.push(card);
  people.append(card.element);
  show();
  return card;
}

function removeCard(card: PersonCard): void {
  cards.splice(cards.indexOf(card), 1);
  card.element.remove();
  show();
  person.focus();
}

/** Brings the bar and the address in line with the cards. */
function show(): void {
  const isAway = cards.filter((card) => card.channel !== channel.value);
  const movesSomebody = isAway.some((card) => card.isConnected);
  connectAll.textContent = movesSomebody ? "Join channel" : "Connect everyone";
  connectAll.disabled = isAway.length === 0;
  disconnectAll.disabled = !cards.some((card) => card.isConnected);
  nobody.hidden = cards.length > 0;
  person.disabled = cards.length >= MAX_PEOPLE;
  const link = { people: cards.map(({ user }) => user), channel: channel.value };
  history.replaceState(null, "", writeDeepLink(link));
}

join.addEventListener("submit", (event) => {
  event.preventDefault();
  for (const card of cards) if (card.channel !== channel.value) card.join(channel.value);
  // On a phone it would call up the keyboard, over what there is to see.
  if (matchMedia("(pointer: fine)").matches) cards[0]?.focus();
});
channel.addEventListener("input", show);
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
