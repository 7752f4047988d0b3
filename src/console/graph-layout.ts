/** One who watches, and whom. */
export interface Watch {
  from: string;
  to: string;
}

export interface Point {
  x: number;
  y: number;
}

/** Everybody in the graph, on a circle around the origin from the top on; alone in the middle. */
export function layOut(users: readonly string[], radius: number): Map<string, Point> {
  const angle = (i: number) => (2 * Math.PI * i) / users.length - Math.PI / 2;
  const at = (i: number) =>
    users.length === 1 ? { x: 0, y: 0 } : { x: radius * Math.cos(angle(i)), y: radius * Math.sin(angle(i)) };
  return new Map(users.map((user, i) => [user, at(i)]));
}

/**
 * An arrow between two circles of the radius `rim`, bent to its left so that two who watch each other have two arrows:
 * an SVG path from rim to rim.
 */
export function arrow(from: Point, to: Point, rim: number): string {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const bend = 0.16;
  const middle = { x: (from.x + to.x) / 2 + dy * bend, y: (from.y + to.y) / 2 - dx * bend };
  const toward = (one: Point, other: Point, by: number) => {
    const [x, y] = [other.x - one.x, other.y - one.y];
    const far = Math.hypot(x, y) || 1;
    return { x: one.x + (x / far) * by, y: one.y + (y / far) * by };
  };
  const gap = Math.min(rim + 3, length / 2);
  const [start, end] = [toward(from, middle, gap), toward(to, middle, gap + 4)];
  const say = ({ x, y }: Point) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  return `M${say(start)}Q${say(middle)} ${say(end)}`;
}

/** Whom each watches, by name: what the picture shows, in words. */
export function watchesByUser(watches: readonly Watch[]): [string, string[]][] {
  const byUser = new Map<string, string[]>();
  for (const { from, to } of watches) byUser.set(from, [...(byUser.get(from) ?? []), to]);
  return [...byUser].map(([user, targets]): [string, string[]] => [user, targets.sort()]).sort();
}

/** Each once. */
export function distinct(watches: readonly Watch[]): Watch[] {
  return [...new Map(watches.map((watch) => [`${watch.from} ${watch.to}`, watch])).values()];
}
