/** A block is split in two when it grows beyond this: as long as two such moves take, whatever the size of the whole. */
const MOST_PER_BLOCK = 512;

/**
 * User ids in order, for paging: kept in order, because every welcome asks for the first page. In blocks, so that
 * one that comes or goes moves no more than a block, also among a hundred thousand.
 */
export class SortedUsers {
  /** Never empty but for the only one; each ends before the next begins. */
  readonly #blocks: string[][] = [[]];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  all(): string[] {
    return this.#blocks.flat();
  }

  /** One that is not in it yet. */
  add(user: string): void {
    const index = this.#blockFor(user);
    const block = this.#blocks[index] ?? [];
    block.splice(firstAfter(block, user), 0, user);
    this.#size += 1;
    if (block.length > MOST_PER_BLOCK) this.#blocks.splice(index + 1, 0, block.splice(MOST_PER_BLOCK / 2));
  }

  /** One that is in it. */
  remove(user: string): void {
    const index = this.#blockFor(user);
    const block = this.#blocks[index] ?? [];
    block.splice(firstAfter(block, user) - 1, 1);
    this.#size -= 1;
    if (block.length === 0 && this.#blocks.length > 1) this.#blocks.splice(index, 1);
  }

  /** At most `limit` of them, from the first after `cursor`; `next` where there are more. */
  page(cursor: string | undefined, limit: number): { users: string[]; next?: string } {
    let index = cursor === undefined ? 0 : this.#blockFor(cursor);
    let start = cursor === undefined ? 0 : firstAfter(this.#blocks[index] ?? [], cursor);
    const found: string[] = [];
    while (found.length <= limit && index < this.#blocks.length) {
      const block = this.#blocks[index++] ?? [];
      found.push(...block.slice(start, start + limit + 1 - found.length)); // one more tells whether another follows
      start = 0;
    }
    const users = found.slice(0, limit);
    const last = users.at(-1);
    return last === undefined || found.length === users.length ? { users } : { users, next: last };
  }

  /** The last block that begins with this user or before; the first where none does. */
  #blockFor(user: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#blocks[middle]?.[0] ?? "") <= user) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** The index of the first that comes after this one. */
function firstAfter(users: readonly string[], user: string): number {
  let low = 0;
  let high = users.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((users[middle] ?? "") <= user) low = middle + 1;
    else high = middle;
  }
  return low;
}
