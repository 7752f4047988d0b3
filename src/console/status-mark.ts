import type { Status } from "../client/index.ts";
import { avatar } from "./avatar.ts";
import { element } from "./elements.ts";

/** A status as a shape and a colour, for the eyes only: beside it stands the word. */
export function statusMark(status: Status | undefined): HTMLElement {
  const mark = element("span", { class: "mark-of-status", "aria-hidden": "true" });
  setStatus(mark, status);
  return mark;
}

/** What is not known has no mark. */
export function setStatus(mark: HTMLElement, status: Status | undefined): void {
  mark.hidden = status === undefined;
  mark.dataset.status = status ?? "";
}

/** An avatar with the mark on its rim. */
export function face(user: string, mark: HTMLElement): HTMLElement {
  return element("span", { class: "face" }, avatar(user), mark);
}
