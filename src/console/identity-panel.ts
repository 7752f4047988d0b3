import { type DevToken, makeDevToken } from "./dev-token.ts";
import { element, timeOfDay } from "./elements.ts";

const EXAMPLE = `{ "info": { "name": "Ann" }, "channels": { "team:*": ["subscribe", "publish"] } }`;

/** Who this person is to the service: more claims for the token, and the token itself to take elsewhere. */
export class IdentityPanel {
  readonly element: HTMLDetailsElement;
  readonly #user: string;
  readonly #claims: HTMLTextAreaElement;
  readonly #problem = element("p", { class: "problem", role: "alert" });
  readonly #token = element("code", { class: "token" }, "made when you connect");
  readonly #copy = element("button", { class: "button small", type: "button" }, "Copy token");

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
    const made = await makeDevToken(this.#user, claims);
    this.#show(made);
    return made.token;
  }

  #show({ token, expiresAt }: DevToken): void {
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
      this.#problem.textContent = `Not copied: ${error instanceof Error ? error.message : String(error)}`;
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
