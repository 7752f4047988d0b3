import { ofAnotherVersion } from "../objects/another-version.ts";
import type { Log } from "../objects/ports.ts";
import type { ClientFrame } from "../protocol/client-frames.ts";
import { refusal } from "../protocol/codes.ts";
import type { Connection } from "./connection.ts";
import { sendError } from "./incoming.ts";

/**
 * Answers the messages of one frame, all in this turn as far as none waits; resolves when each is answered. One
 * that fails is a bug, and takes nothing else with it: the client learns which it was, and the others go on.
 */
export async function answerEach(
  connection: Connection,
  messages: readonly ClientFrame[],
  answer: (connection: Connection, frame: ClientFrame) => Promise<void> | void,
  log: Log,
): Promise<void> {
  const answers = messages.map(async (frame) => {
    try {
      await answer(connection, frame);
    } catch (cause) {
      log.warn("message failed", { frame: frame.type }, cause);
      const refused = ofAnotherVersion(cause) ?? refusal("internal", "something went wrong here");
      sendError(connection, refused, frame.ref);
    }
  });
  await Promise.all(answers);
}
