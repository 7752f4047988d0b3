import { type ConnectionStatus, type Hub, NOT_CONNECTED } from "./hub.ts";
import { useHubPart } from "./use-held.ts";

const status = (hub: Hub) => hub.status;

/** How the connection stands, whose it is, and the SDK's own `client` for all that there is no hook for. */
export function useConnection(): ConnectionStatus {
  return useHubPart(status, NOT_CONNECTED);
}
