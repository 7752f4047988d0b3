import { element } from "./elements.ts";

const SVG = "http://www.w3.org/2000/svg";
/** One a second: the chart is of the last minute. */
export const POINTS = 60;
const [WIDTH, HEIGHT] = [120, 32];
/** Room for the line's own width at the top and the bottom. */
const EDGE = 2;

/** A figure with the course of its last values, as a line; a screen reader hears it in a sentence when it asks. */
export class Sparkline {
  readonly element: HTMLElement;
  readonly #name: string;
  readonly #unit: string;
  readonly #value = element("span", { class: "figure-value" }, "–");
  readonly #svg = document.createElementNS(SVG, "svg");
  readonly #line = document.createElementNS(SVG, "path");
  readonly #area = document.createElementNS(SVG, "path");
  readonly #values: number[] = [];

  /** `unit` is what follows the number, with its space; `meaning` what exactly is measured. */
  constructor(name: string, unit = "", meaning = "") {
    this.#name = meaning === "" ? name : `${name}, ${meaning}`;
    this.#unit = unit;
    this.#svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.#svg.setAttribute("preserveAspectRatio", "none");
    this.#svg.setAttribute("class", "sparkline");
    this.#svg.setAttribute("role", "img");
    this.#area.setAttribute("class", "area");
    this.#svg.append(this.#area, this.#line);
    const words = element("p", { class: "figure-name" }, name);
    this.element = element("div", { class: "figure", title: meaning }, words, this.#value, this.#svg);
    this.#draw();
  }

  /** It is this by now, before the next point is due. */
  amend(value: number): void {
    this.#values.pop();
    this.push(value);
  }

  push(value: number): void {
    this.#values.push(value);
    if (this.#values.length > POINTS) this.#values.shift();
    this.#draw();
  }

  #draw(): void {
    const values = this.#values;
    const last = values.at(-1);
    const said = last === undefined ? "–" : `${rounded(last)}${this.#unit}`;
    this.#value.textContent = said;
    const range = `between ${rounded(Math.min(...values))} and ${rounded(Math.max(...values))}${this.#unit}`;
    const words = last === undefined ? "nothing measured yet" : `${said}, ${range} lately`;
    this.#svg.setAttribute("aria-label", `${this.#name}: ${words}`);
    const line = pathOf(values);
    this.#line.setAttribute("d", line);
    this.#area.setAttribute("d", line === "" ? "" : `${line}V${HEIGHT}H${xOf(0, values.length)}Z`);
  }
}

/** The newest is at the right edge. From zero up, so that a small change of a large number looks small. */
function pathOf(values: readonly number[]): string {
  const most = Math.max(1e-9, ...values);
  const yOf = (value: number) => HEIGHT - EDGE - (value / most) * (HEIGHT - 2 * EDGE);
  const points = values.map((value, i) => `${xOf(i, values.length).toFixed(1)} ${yOf(value).toFixed(1)}`);
  return points.length === 0 ? "" : `M${points.join("L")}`;
}

function xOf(i: number, count: number): number {
  return WIDTH - ((count - 1 - i) * WIDTH) / (POINTS - 1);
}

function rounded(value: number): string {
  return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}
