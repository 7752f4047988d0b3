/** In place of one message, or of a run of them that ends at `offset`: a text frame. */
export function skippedFrame(channel: string, offset: number): string {
  return JSON.stringify({ type: "message", channel, offset, skipped: true });
}
