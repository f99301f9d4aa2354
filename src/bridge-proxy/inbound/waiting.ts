/** Somebody who can be sent away. */
export interface Waiting {
  destroy(): void;
}

/** Connections that have not said yet what they speak: they may be silent for as long as they like, but only so many at a time. */
export class WaitingRoom {
  readonly #waiting = new Set<Waiting>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Lets one in; where there is no room, whoever has been silent for longest is sent away. Whether somebody was. */
  enter(one: Waiting): boolean {
    this.#waiting.add(one);
    if (this.#waiting.size <= this.#max) return false;
    const [oldest] = this.#waiting;
    this.#waiting.delete(oldest!);
    oldest!.destroy();
    return true;
  }

  leave(one: Waiting): void {
    this.#waiting.delete(one);
  }
}
