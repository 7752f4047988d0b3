/** Lets go of the first that came in where there are more than `most`. */
export function forgetOldest<K>(known: Map<K, unknown> | Set<K>, most: number): void {
  const [oldest] = known.keys();
  if (known.size > most) known.delete(oldest as K);
}
