import { type RefObject, useInsertionEffect, useRef } from "react";

/** What was given at the last render that was shown: for functions that effects call later. */
export function useLatest<T>(value: T): RefObject<T> {
  const latest = useRef(value);
  useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}
