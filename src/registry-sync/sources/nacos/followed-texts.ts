/** Told what is followed from now on that was not, and what is not any more. */
export type FollowedChanged = (added: readonly string[], dropped: readonly string[]) => void;

/**
 * Texts that are followed, by data id, and what is known of each: one for all ways on which the same texts are read, for who was told a
 * text over one way must be told another one over the next. Pure state.
 */
export class FollowedTexts {
  /** MD5 of each text as far as it is known; empty where there is none. */
  readonly #md5s = new Map<string, string>();
  readonly #unread = new Set<string>();
  readonly #listeners: FollowedChanged[] = [];

  /** How many are followed. */
  get size(): number {
    return this.#md5s.size;
  }

  /** Data ids of all of them. */
  get ids(): readonly string[] {
    return [...this.#md5s.keys()];
  }

  /** Of those which nobody has read, nor knows not to be there. */
  get unread(): readonly string[] {
    return [...this.#unread];
  }

  /** Whether each was read once, or is known not to be there. */
  get isRead(): boolean {
    return this.#unread.size === 0;
  }

  /** Has a way of reading hear of changes. */
  onChange(listener: FollowedChanged): void {
    this.#listeners.push(listener);
  }

  /** Follows these and no others from now on. */
  follow(dataIds: Iterable<string>): void {
    const wanted = new Set(dataIds);
    const dropped = this.ids.filter((id) => !wanted.has(id));
    for (const id of dropped) {
      this.#md5s.delete(id);
      this.#unread.delete(id);
    }
    const added = [...wanted].filter((id) => !this.#md5s.has(id));
    for (const id of added) {
      this.#md5s.set(id, "");
      this.#unread.add(id);
    }
    if (added.length + dropped.length > 0) for (const listener of this.#listeners) listener(added, dropped);
  }

  /** Whether it is followed. */
  has(id: string): boolean {
    return this.#md5s.has(id);
  }

  /** MD5 of the text as it was told; empty where there is none. */
  md5Of(id: string): string {
    return this.#md5s.get(id) ?? "";
  }

  /** The server has it as it is known here. */
  same(id: string): void {
    this.#unread.delete(id);
  }

  /** It was read: whether that is to be told. False for what is not followed any more. */
  take(id: string, md5: string, isThere: boolean): boolean {
    const known = this.#md5s.get(id);
    if (known === undefined) return false;
    this.#md5s.set(id, md5);
    this.#unread.delete(id);
    return known !== md5 || (md5 === "" && isThere);
  }
}
