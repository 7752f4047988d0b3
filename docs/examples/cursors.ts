import { connect } from "rollcall/client";

const query = new URLSearchParams(location.search);
const [user, url] = [query.get("user") ?? "ann", query.get("url") ?? "http://127.0.0.1:8787"];
/** In production your own back end signs the token, for whoever is logged in. */
async function token() {
  const answer = await fetch(`${url}/v1/dev/token`, { method: "POST", body: JSON.stringify({ user }) });
  return (await answer.json()).token;
}

const room = connect<{ cursor: { x: number; y: number } }>({ url, token }).channel("board");
const board = document.querySelector("main") as HTMLElement;
const here = board.querySelector("small") as HTMLElement;
const cursors = new Map<string, HTMLElement>();
/** A signal is not stored and costs no row; a connection may say fifty a second. */
const EVERY_MS = 40;
let unsaid: { x: number; y: number } | undefined;

board.addEventListener("pointermove", ({ clientX, clientY }) => {
  if (unsaid === undefined) setTimeout(say, EVERY_MS);
  unsaid = { x: clientX / board.clientWidth, y: clientY / board.clientHeight };
});

function say() {
  if (unsaid !== undefined) room.signal("cursor", unsaid);
  unsaid = undefined;
}

room.on("signal", ({ event, from, data }) => {
  if (event !== "cursor" || from === undefined || data === undefined) return;
  const cursor = cursors.get(from.user) ?? appear(from.user);
  cursor.style.left = `${100 * data.x}%`;
  cursor.style.top = `${100 * data.y}%`;
});

room.on("members", ({ count, left }) => {
  here.textContent = `${count} here`;
  for (const { user } of left) {
    cursors.get(user)?.remove();
    cursors.delete(user);
  }
});

function appear(name: string): HTMLElement {
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7);
  const cursor = Object.assign(document.createElement("span"), { className: "cursor", textContent: name });
  cursor.style.setProperty("--hue", String(hue));
  cursors.set(name, cursor);
  board.append(cursor);
  return cursor;
}
