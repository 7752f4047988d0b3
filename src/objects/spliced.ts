/**
 * JSON text of an object in which one value is JSON text already, and stays as it is: encoded once where it came
 * in, never parsed on its way. `before` has at least one field.
 */
export function spliced(before: object, name: string, json: string, after: object = {}): string {
  const head = JSON.stringify(before).slice(0, -1);
  const tail = JSON.stringify(after).slice(1);
  return `${head},"${name}":${json}${tail === "}" ? "" : ","}${tail}`;
}
