/** Why a connection ended. The range is the rule: 4000-4499 come back, 4500-4999 stay away. */
export const CLOSE = {
  unsupported: 1003,
  tooLarge: 1009,
  tryAgain: 4000,
  tokenExpired: 4001,
  heartbeatTimeout: 4002,
  flooding: 4003,
  moved: 4004,
  slowReader: 4005,
  protocolError: 4500,
  tokenRevoked: 4501,
  ended: 4502,
  replaced: 4503,
} as const;

export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE];

/** With these the client must mend itself: coming back would only end the same way. */
const MEND_YOURSELF: ReadonlySet<number> = new Set([1003, 1007, 1008, 1009]);

/** Whether a client should connect again after this close code, with backoff and jitter. */
export function mayReconnect(code: number): boolean {
  if (code >= 4500 && code <= 4999) return false;
  return !MEND_YOURSELF.has(code);
}
