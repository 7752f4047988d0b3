import { CHANNEL_ROUTES } from "./channel-routes.ts";
import { CONNECTION_ROUTES } from "./connection-routes.ts";
import { MESSAGE_ROUTES } from "./message-routes.ts";
import { OPERATION_ROUTES } from "./operation-routes.ts";
import type { Route } from "./route.ts";
import { USER_ROUTES } from "./user-routes.ts";

/** Every route of a deployment. What is for development only (`CONSOLE`) is not part of it. */
export const ROUTES: readonly Route[] = [
  ...CONNECTION_ROUTES,
  ...CHANNEL_ROUTES,
  ...MESSAGE_ROUTES,
  ...USER_ROUTES,
  ...OPERATION_ROUTES,
];
