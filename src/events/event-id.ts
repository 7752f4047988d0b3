/**
 * The id of an event: it follows from what happened, so that whoever finds out a second time, after a crash, makes no
 * second event of it. 128 bits of what names it, without a dot, which the signature of a webhook parts by; stored with
 * consumers, so it must stay what it is. The mixing is that of cyrb128 (public domain).
 */
export function eventId(...what: readonly (string | number)[]): string {
  const text = JSON.stringify(what);
  let [a, b, c, d] = [1779033703, 3144134277, 1013904242, 2773480762];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = b ^ Math.imul(a ^ unit, 597399067);
    b = c ^ Math.imul(b ^ unit, 2869860233);
    c = d ^ Math.imul(c ^ unit, 951274213);
    d = a ^ Math.imul(d ^ unit, 2716044179);
  }
  a = Math.imul(c ^ (a >>> 18), 597399067);
  b = Math.imul(d ^ (b >>> 22), 2869860233);
  c = Math.imul(a ^ (c >>> 17), 951274213);
  d = Math.imul(b ^ (d >>> 19), 2716044179);
  a ^= b ^ c ^ d;
  return `evt_${[a, b ^ a, c ^ a, d ^ a].map((part) => (part >>> 0).toString(16).padStart(8, "0")).join("")}`;
}
