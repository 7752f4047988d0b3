import { DurableObject } from "cloudflare:workers";
import type { BasicPorts } from "../objects/ports.ts";
import { Waking } from "../objects/waking-object.ts";
import type { DeliveryReport, ParkedLetter, WebhookPort } from "../objects/webhook-port.ts";
import type { LetterQuery } from "../protocol/events.ts";
import { Webhook } from "./webhook.ts";

/** The Durable Object of one webhook target, named by `target-name.ts`. */
export class WebhookObject extends DurableObject<Env> implements WebhookPort {
  readonly #waking: Waking<Webhook>;

  /** `make` is for who keeps another time. */
  constructor(ctx: DurableObjectState, env: Env, make = (ports: BasicPorts) => new Webhook(ports)) {
    super(ctx, env);
    this.#waking = new Waking(ctx, env, make);
  }

  override alarm(_info?: AlarmInvocationInfo) {
    this.#waking.alarm();
  }

  begin() {
    return this.#waking.rules.begin();
  }

  report(report: DeliveryReport) {
    return this.#waking.rules.report(report);
  }

  park(letters: ParkedLetter[]) {
    return this.#waking.rules.park(letters);
  }

  letters(query: LetterQuery) {
    return this.#waking.rules.letters(query);
  }

  replay(id: string) {
    return this.#waking.rules.replay(id);
  }

  stats() {
    return this.#waking.rules.stats();
  }
}
