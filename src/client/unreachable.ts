/** The end of a `switch` that knows every case: a new member of the union stops the compiler here. */
export function unreachable(x: never): never {
  throw new Error(`not a case that exists: ${JSON.stringify(x)}`);
}
