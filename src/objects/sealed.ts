import * as z from "zod";
import { Claims } from "../protocol/claims.ts";
import { ChannelName, Device, UserId } from "../protocol/names.ts";
import { Elsewhere, LocationHint } from "./placement.ts";
import type { ConnectRequest } from "./ports.ts";

/** The header that carries what the Worker found out. Built on a fresh request: nothing inbound passes. */
const SEALED_HEADER = "rollcall-sealed";

const Sealed = z.object({
  user: UserId,
  device: Device,
  transport: z.enum(["websocket", "sse"]),
  claims: Claims,
  ticket: z.object({ id: z.string(), expiresAt: z.number() }).optional(),
  recover: z.object({ epoch: z.string(), offset: z.number() }).optional(),
  rewind: z.number().optional(),
  seen: z.number().optional(),
  watch: z.array(UserId).optional(),
  channels: z.array(ChannelName).optional(),
  ip: z.string().optional(),
  region: z.string().optional(),
  hint: LocationHint.optional(),
  avoid: z.array(z.string()).optional(),
});

/**
 * The upgrade request for an object. Its headers are made here from nothing but the sealed claims and what
 * the handshake needs, so no header from outside can speak for the Worker. No extension is: nothing is compressed
 * (docs/decisions/0011).
 */
export function sealedUpgrade(connect: ConnectRequest): Request {
  const headers = new Headers({
    Upgrade: "websocket",
    [SEALED_HEADER]: encodeURIComponent(JSON.stringify(connect)),
  });
  return new Request("https://object/connect", { headers });
}

/** What the Worker sealed. Throws where it is missing: only the Worker can reach an object. */
export function unseal(request: Request): ConnectRequest {
  const text = request.headers.get(SEALED_HEADER);
  if (text === null) throw new Error("a request without sealed claims reached an object");
  const { ip, region, ticket, recover, rewind, seen, watch, channels, hint, avoid, ...rest } = Sealed.parse(
    JSON.parse(decodeURIComponent(text)),
  );
  return {
    ...rest,
    ...(ip && { ip }),
    ...(region && { region }),
    ...(ticket && { ticket }),
    ...(recover && { recover }),
    ...(rewind !== undefined && { rewind }),
    ...(seen !== undefined && { seen }),
    ...(watch && { watch }),
    ...(channels && { channels }),
    ...(hint && { hint }),
    ...(avoid && { avoid }),
  };
}

/** Marks an answer that says where else to connect: it is for the Worker, and never reaches a client. */
const ELSEWHERE_HEADER = "rollcall-elsewhere";
/** RFC 9110, section 15.5.20: asked of one that does not answer this. */
const MISDIRECTED = 421;

/** There is no room at this keeper, but elsewhere. */
export function elsewhereResponse(elsewhere: Elsewhere): Response {
  return new Response(JSON.stringify(elsewhere), {
    status: MISDIRECTED,
    headers: { [ELSEWHERE_HEADER]: "1" },
  });
}

/** Where else to connect, if a keeper's answer says that. */
export async function elsewhereIn(response: Response): Promise<Elsewhere | undefined> {
  if (!response.headers.has(ELSEWHERE_HEADER)) return undefined;
  return Elsewhere.parse(await response.json());
}
