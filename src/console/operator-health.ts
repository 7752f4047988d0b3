import { element, timeOfDay } from "./elements.ts";
import { OperatorPanel, panelButton, replaceIfNew } from "./operator-panel.ts";
import { type HealthCheck, type Letter, listLetters, readHealth, replayLetter } from "./operator-routes.ts";

/** Every check of the service. They write a row each time, so they are run when somebody asks, and not by the clock. */
export function healthPanel(key: () => string): OperatorPanel {
  const rows = element("ul", { class: "rows checks", "aria-label": "Health checks" });
  const again = panelButton("Check again", "Check again: health", () => panel.refresh());
  const panel = new OperatorPanel(
    "Health",
    async () => replaceIfNew(rows, Object.entries(await readHealth(key())).map(checkRow)),
    again,
  );
  panel.body.append(rows);
  return panel;
}

function checkRow([name, { ok, ms, detail }]: [string, HealthCheck]): HTMLElement {
  const mark = element("span", { class: "verdict", "data-ok": String(ok) }, ok ? "ok" : "failing");
  const words = element("span", { class: "muted" }, `${detail}, ${ms} ms`);
  return element("li", {}, element("strong", {}, name), mark, words);
}

/** Events that no webhook took, each to be sent again. */
export function lettersPanel(key: () => string): OperatorPanel {
  const rows = element("ul", { class: "rows", "aria-label": "Open dead letters" });
  const none = element("p", { class: "muted" });
  const again = panelButton("Look again", "Look again: dead letters", () => panel.refresh());
  const replay = (id: string) => {
    void panel.attempt(() => replayLetter(key(), id)).then(() => panel.refresh());
  };
  const panel = new OperatorPanel(
    "Dead letters",
    async () => {
      const letters = await listLetters(key());
      rows.replaceChildren(...letters.map((letter) => letterRow(letter, replay)));
      none.textContent = letters.length === 0 ? "None: every event was taken, or there is no webhook." : "";
    },
    again,
  );
  panel.body.append(none, rows);
  return panel;
}

function letterRow({ id, type, at, attempts, lastError }: Letter, replay: (id: string) => void): HTMLElement {
  const words = `${timeOfDay(at)}, ${attempts} attempts, ${lastError}`;
  const send = panelButton("Replay", `Replay ${type} of ${timeOfDay(at)}`, () => replay(id));
  return element(
    "li",
    { title: id },
    element("strong", {}, type),
    element("span", { class: "muted" }, words),
    send,
  );
}
