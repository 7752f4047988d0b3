import type { Message } from "../protocol/bodies.ts";
import type { SignalledFrame } from "../protocol/server-frames.ts";

/** The application's own events: of each name the type of its data. Left out, names are any and data is unknown. */
export type AnyEvents = Record<string, unknown>;

/** The names among them. */
export type EventOf<E> = keyof E & string;

/** What is published where no `event` is named: those who have no such event have to name one. */
export type DefaultEvent<E> = Extract<"message", EventOf<E>>;

/** A message whose `event` tells the type of its `data`. */
export type MessageOf<E> = {
  [K in EventOf<E>]: Omit<Message, "event" | "data"> & { event: K; data: E[K] };
}[EventOf<E>];

/** Something ephemeral, likewise. */
export type SignalOf<E> = {
  [K in EventOf<E>]: Omit<SignalledFrame, "type" | "event" | "data"> & { event: K; data?: E[K] };
}[EventOf<E>];
