"use client"; // where server components are rendered, hooks run in the browser

/** The React face of the SDK. Everything else in this folder may change without notice. */

export type { ConnectionStatus } from "./hub.ts";
export { type ProviderOptions, RollcallProvider, type RollcallProviderProps } from "./provider.ts";
export type { Members } from "./room.ts";
export { type ChannelHandlers, type ChannelInComponent, useChannel } from "./use-channel.ts";
export { useConnection } from "./use-connection.ts";
export { useMembers } from "./use-members.ts";
export { useMessages } from "./use-messages.ts";
export { type SetPresence, useMyPresence } from "./use-my-presence.ts";
export { usePresence } from "./use-presence.ts";
export { type Typing, useTyping } from "./use-typing.ts";
