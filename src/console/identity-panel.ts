import { type DevToken, makeDevToken, makeTokenAfterRevocation } from "./dev-token.ts";
import { element, timeOfDay } from "./elements.ts";
import { reasonOf } from "./problem.ts";

const EXAMPLE = `{ "info": { "name": "Ann" }, "channels": { "team:*": ["subscribe", "publish"] } }`;

/** Who this person is to the service: more claims for the token, and the token itself to take elsewhere. */
export class IdentityPanel {
  readonly element: HTMLDetailsElement;
  readonly #user: string;
  readonly #claims: HTMLTextAreaElement;
  readonly #problem = element("p", { class: "problem", role: "alert" });
  readonly #token = element("code", { class: "token" }, "made when you connect");
  readonly #copy = element("button", { class: "button small", type: "button" }, "Copy token");
  #made: DevToken | undefined;
  #wasRevoked = false;

  constructor(user: string) {
    this.#user = user;
    const attributes = { rows: "3", spellcheck: "false", autocapitalize: "none", placeholder: EXAMPLE };
    this.#claims = element("textarea", { class: "claims", ...attributes });
    this.#claims.addEventListener("input", () => this.readClaims());
    this.#copy.addEventListener("click", () => {
      void this.#copyToken();
    });
    this.element = element(
      "details",
      { class: "drawer" },
      element("summary", {}, "Token"),
      element(
        "label",
        { class: "claims-field" },
        "More claims, as JSON; they count from the next connect",
        this.#claims,
      ),
      this.#problem,
      element("div", { class: "token-row" }, this.#token, this.#copy),
    );
  }

  /** The claims typed in, `undefined` where they are not a JSON object; the panel then says so and opens. */
  readClaims(): object | undefined {
    const claims = parseClaims(this.#claims.value);
    this.#claims.setAttribute("aria-invalid", String(claims === undefined));
    this.#problem.textContent = claims === undefined ? "Not a JSON object." : "";
    if (claims === undefined) this.element.open = true;
    return claims;
  }

  /** A fresh token for the connection; the panel shows it. */
  async fetchToken(claims: object): Promise<string> {
    const make = this.#wasRevoked ? makeTokenAfterRevocation : makeDevToken;
    const made = await make(this.#user, claims);
    this.#wasRevoked = false;
    this.#show(made);
    return made.token;
  }

  /** The token shown, or a first one. Rejects where none can be made. */
  async currentToken(): Promise<string> {
    return this.#made?.token ?? (await this.fetchToken(parseClaims(this.#claims.value) ?? {}));
  }

  /** What was made so far is refused from now on. */
  noteRevocation(): void {
    this.#wasRevoked = true;
    this.#token.classList.add("refused");
  }

  #show(made: DevToken): void {
    const { token, expiresAt } = made;
    this.#made = made;
    this.#token.classList.remove("refused");
    this.#token.textContent = token;
    this.#token.title = `expires ${new Date(expiresAt).toLocaleDateString()}, ${timeOfDay(expiresAt)}`;
  }

  async #copyToken(): Promise<void> {
    try {
      const claims = this.readClaims();
      if (claims === undefined) return;
      await navigator.clipboard.writeText(await this.fetchToken(claims));
      this.#copy.textContent = "Copied";
    } catch (error) {
      this.#problem.textContent = `Not copied: ${reasonOf(error)}`;
    }
  }
}

function parseClaims(text: string): object | undefined {
  if (text.trim() === "") return {};
  try {
    const claims: unknown = JSON.parse(text);
    return typeof claims === "object" && claims !== null && !Array.isArray(claims) ? claims : undefined;
  } catch {
    return undefined; // half-typed JSON is no error of the program: the panel says what is wrong
  }
}
