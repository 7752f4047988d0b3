import type { PublishRequest } from "./ports.ts";

/**
 * 53 bits that tell bodies of one key apart: by chance two agree once in 9e15, and on purpose a principal would
 * only deceive itself. It is stored, so it must stay what it is. The mixing is that of cyrb53 (public domain).
 */
export function fingerprint({ event, dataJson, exclude, ttlSeconds }: PublishRequest): number {
  const { user, session, device } = exclude ?? {};
  const rest = JSON.stringify([event, user, session, device, ttlSeconds]);
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (const text of [rest, dataJson]) {
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      high = Math.imul(high ^ unit, 2654435761);
      low = Math.imul(low ^ unit, 1597334677);
    }
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
