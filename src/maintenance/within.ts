/** The same, or an error when it takes longer than so many milliseconds. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let done = () => {};
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new TooLate(`no answer within ${ms} ms`)), ms);
    done = () => clearTimeout(timer);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    done();
  }
}

/** What was waited for did not come in time; it may still happen. */
export class TooLate extends Error {
  override readonly name = "TooLate";
}
