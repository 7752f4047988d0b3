/** User ids in order, for paging: kept in order, because every welcome asks for the first page. */
export class SortedUsers {
  readonly #users: string[] = [];

  get size(): number {
    return this.#users.length;
  }

  all(): string[] {
    return [...this.#users];
  }

  /** One that is not in it yet. */
  add(user: string): void {
    this.#users.splice(this.#firstAfter(user), 0, user);
  }

  /** One that is in it. */
  remove(user: string): void {
    this.#users.splice(this.#firstAfter(user) - 1, 1);
  }

  /** At most `limit` of them, from the first after `cursor`; `next` where there are more. */
  page(cursor: string | undefined, limit: number): { users: string[]; next?: string } {
    const start = cursor === undefined ? 0 : this.#firstAfter(cursor);
    const users = this.#users.slice(start, start + limit);
    const last = users.at(-1);
    return last === undefined || start + limit >= this.#users.length ? { users } : { users, next: last };
  }

  #firstAfter(cursor: string): number {
    let low = 0;
    let high = this.#users.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#users[middle] ?? "") <= cursor) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
