import * as z from "zod";
import { OwnTicketBody, Ticket, TicketBody } from "../protocol/claims.ts";
import { SubscribeFrame } from "../protocol/client-frames.ts";
import { Device } from "../protocol/names.ts";
import type { Answer, Route } from "./route.ts";
import { AT } from "./samples.ts";

const tag = "Connections";

/** What a client says of its device: in the address each name begins with `device_`. */
const device = {
  device_id: Device.shape.id,
  device_type: Device.shape.type,
  device_name: Device.shape.name,
};

/** Query of `GET /v1/connect`. Both lists are for event streams: a WebSocket says them in frames. */
export const UserConnectQuery = z.object({
  ...device,
  watch: z.string().optional(),
  channels: z.string().optional(),
});

const { epoch, offset, rewind } = SubscribeFrame.shape;

/** Query of `GET /v1/channels/:channel/connect`. */
export const ChannelConnectQuery = z.object({ ...device, epoch, offset, rewind });

const answers: Record<number, Answer> = {
  101: { words: "The WebSocket. Its frames are in the AsyncAPI document (`/v1/asyncapi.json`)." },
  200: {
    words:
      "With `Accept: text/event-stream`: each server message as one event, `event:` its type and `data:` its JSON.",
    types: ["text/event-stream"],
    example: "event: heartbeat\ndata: {}\n\n",
  },
};

const about =
  "A WebSocket upgrade (subprotocol `presence.v1`), or an event stream. A refusal is a problem body, of which a " +
  "browser shows nothing but 1006: a plain GET with the same token tells the code, or 426 where it would connect.";

/** Routes that open connections, and what opens them. */
export const CONNECTION_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/connect",
    id: "connectUser",
    tag,
    summary: "The user's own connection",
    about,
    who: { user: "as itself" },
    query: [UserConnectQuery],
    headers: ["Last-Event-ID"],
    answers,
    codes: ["origin_not_allowed", "upgrade_required", "invalid_user", "invalid_channel"],
  },
  {
    method: "GET",
    path: "/v1/channels/:channel/connect",
    id: "connectToChannel",
    tag,
    summary: "A connection to one channel",
    about,
    who: { user: "with the grant `subscribe` on this channel" },
    query: [ChannelConnectQuery],
    headers: ["Last-Event-ID"],
    answers,
    codes: ["origin_not_allowed", "upgrade_required"],
  },
  {
    method: "POST",
    path: "/v1/tickets",
    id: "makeTicket",
    tag,
    summary: "A ticket for a client that can set no header",
    about:
      "Good once, as `?ticket=`. A user gets one for its own claims, and of the body only `ttlSeconds` counts; a back " +
      "end says whose it is and what it allows.",
    who: { user: "with a token, not with a ticket", key: ["manage"] },
    body: {
      schemas: [TicketBody, OwnTicketBody],
      isOptional: true,
      examples: {
        own: { ttlSeconds: 60 },
        ofBackEnd: { user: "ann", channels: { "room:*": ["subscribe", "publish"] }, info: { name: "Ann" } },
      },
    },
    answers: {
      200: {
        words: "The ticket, not to be stored.",
        schema: Ticket,
        example: { ticket: "tk1~eyJpZCI6Ij…~k3Jx…", expiresAt: AT + 30_000 },
      },
    },
    codes: ["invalid_user"],
  },
];
