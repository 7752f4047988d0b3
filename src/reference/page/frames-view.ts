import type { AsyncApi, AsyncMessage } from "../asyncapi.ts";
import { type Html, html, words } from "./html.ts";
import { typeOf } from "./schema-view.ts";

/** Where a message stands on the page. */
export function messageAnchor(name: string): string {
  return `frame-${name}`;
}

/** Messages by who says them: those of clients with what answers them. */
export function framesView(document: AsyncApi): Html {
  const { components, operations } = document;
  const sayers = Object.values(operations);
  const of = (name: string) =>
    sayers.filter(({ messages }) => messages.some(({ $ref }) => $ref.endsWith(`/messages/${name}`)));
  const entries = Object.values(components.messages).map((message) => {
    const spoken = of(message.name);
    const isFromClient = spoken.some(({ action }) => action === "receive");
    const kinds = [...new Set(channelsOf(document, message.name))].join(" and ");
    return messageView(
      message,
      `${isFromClient ? "From the client" : "From the server"}, on ${kinds} connections.`,
    );
  });
  return html`${entries}`;
}

function channelsOf({ channels }: AsyncApi, name: string): string[] {
  return Object.entries(channels).flatMap(([kind, { messages }]) => (name in messages ? [kind] : []));
}

function messageView({ name, summary, payload, examples }: AsyncMessage, where: string): Html {
  const anchor = messageAnchor(name);
  const shown = examples.map(({ payload: value }) =>
    typeof value === "string" ? value : JSON.stringify(value, null, 2),
  );
  return html`<section class="entry" id="${anchor}">
<h3><a href="#${anchor}"><code>${name}</code></a></h3>
<p>${words(summary)}</p>
<p class="quiet">${where}</p>
<p>${typeOf("frame", payload)}</p>
${shown.map((text) => html`<pre tabindex="0"><code>${text}</code></pre>`)}
</section>`;
}
