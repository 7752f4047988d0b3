import { type Members, NOBODY, type Room } from "./room.ts";
import { useRoomPart } from "./use-held.ts";

const members = (room: Room) => room.members;

/** Who is in a channel, live: joins it for as long as any component shows it. */
export function useMembers(channel: string): Members {
  return useRoomPart(channel, members, NOBODY);
}
