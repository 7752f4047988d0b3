import { isRefusal, type Refusal } from "../../src/protocol/codes.ts";

/** What nobody may refuse: a read without a caller is a back end's. */
export function granted<T extends object>(result: T | Refusal): T {
  if (isRefusal(result)) throw new Error(`refused: ${result.code}`);
  return result;
}
