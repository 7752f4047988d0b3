/** The network of a client: an IPv6 address stands for its /64, which is one subscriber's (RFC 6177). */
export function networkOf(address: string | undefined): string | undefined {
  if (address === undefined || !address.includes(":") || address.includes(".")) return address;
  const [left = "", right] = address.toLowerCase().split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  return [...head, ...zeros, ...tail].slice(0, 4).join(":");
}

/** The one address of all Workers of other zones: whoever owns one would stand for everybody who does. */
const OF_WORKERS = "2a06:98c0:3600:0";

/**
 * For whom a request counts that nobody has vouched for: its network; of a Worker the zone that owns it, which the
 * platform says. Undefined where neither is known.
 */
export function sourceOf(address: string | undefined, worker: string | undefined): string | undefined {
  const network = networkOf(address);
  return network === OF_WORKERS ? `worker ${worker ?? ""}` : network;
}
