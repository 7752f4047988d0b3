/** The network of a client: an IPv6 address stands for its /64, which is one subscriber's (RFC 6177). */
export function networkOf(address: string | undefined): string | undefined {
  if (address === undefined || !address.includes(":") || address.includes(".")) return address;
  const [left = "", right] = address.toLowerCase().split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  return [...head, ...zeros, ...tail].slice(0, 4).join(":");
}
