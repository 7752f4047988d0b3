import type { Connection } from "../client/index.ts";
import type { CardBody } from "./card-body.ts";
import { element } from "./elements.ts";
import { reasonOf } from "./problem.ts";

/** What a person's own connection is for. It sits in no channel, so that there is nothing else to show. */
export class OwnNote implements CardBody {
  readonly elements: readonly HTMLElement[];
  readonly #problem = element("p", { class: "problem", role: "alert" });

  constructor(user: string) {
    const note = `This connection keeps ${user} online and sits in no channel.`;
    this.elements = [element("div", { class: "own-note" }, element("p", {}, note), this.#problem)];
  }

  attach(connection: Connection): void {
    connection.on("welcome", () => {
      this.#problem.textContent = "";
    });
    connection.on("error", (error) => {
      this.#problem.textContent = reasonOf(error);
    });
  }

  detach(): void {
    // Nothing here was true only of the connection.
  }

  focus(): void {
    // Nothing here takes the focus.
  }
}
