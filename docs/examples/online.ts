import { connect, type Presence } from "rollcall/client";

const query = new URLSearchParams(location.search);
const [user, url] = [query.get("user") ?? "ann", query.get("url") ?? "http://127.0.0.1:8787"];
const TEAM = ["ann", "ben", "cid", "dee"];
const STATUSES = ["online", "away", "busy", "invisible"] as const;
/** In production your own back end signs the token, for whoever is logged in. */
async function token() {
  const answer = await fetch(`${url}/v1/dev/token`, { method: "POST", body: JSON.stringify({ user }) });
  return (await answer.json()).token;
}

const client = connect({ url, token, device: { type: "web" } });
client.on("presence", show);
const stop = client.on("welcome", () => {
  stop(); // after a reconnect the same people are watched again by themselves
  client.presence.watch(TEAM).catch(console.error);
});

const main = document.querySelector("main") as HTMLElement;
const rows = TEAM.map((name) => `<li id="${name}"><b>${name}</b> <span></span> <small></small></li>`);
const buttons = STATUSES.map((status) => `<button type="button" value="${status}">${status}</button>`);
main.innerHTML = `<h1>Who is online</h1><ul>${rows.join("")}</ul><p>${user}, you are ${buttons.join(" ")}</p>`;
for (const button of main.querySelectorAll("button")) {
  const status = button.value as (typeof STATUSES)[number];
  button.onclick = () => client.presence.set({ status }).catch(console.error);
}

function show({ user: name, status, devices, lastActiveAt }: Presence) {
  const row = main.querySelector(`[id="${name}"]`) as HTMLElement;
  const since = lastActiveAt === null ? "" : `, last seen ${new Date(lastActiveAt).toLocaleTimeString()}`;
  row.className = status;
  row.children[1]?.replaceChildren(devices.join(", "));
  row.children[2]?.replaceChildren(status === "offline" ? status + since : status);
  if (name !== user) return;
  for (const button of main.querySelectorAll("button")) button.ariaPressed = String(button.value === status);
}
