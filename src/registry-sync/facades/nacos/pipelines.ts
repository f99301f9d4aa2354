/** Requests that one connection may have open at once; clients have one. */
export const MAX_PIPELINED = 16;

/** How many requests each connection has open: thousands of long polls, pipelined on one, would take all connections to the registry. */
export class Pipelines {
  readonly #open = new WeakMap<object, number>();

  /** Another request of a connection; false where it has too many, and is to be ended. */
  enter(connection: object): boolean {
    const open = (this.#open.get(connection) ?? 0) + 1;
    this.#open.set(connection, open);
    return open <= MAX_PIPELINED;
  }

  /** One that entered is answered, or given up. */
  leave(connection: object): void {
    this.#open.set(connection, Math.max(0, (this.#open.get(connection) ?? 0) - 1));
  }
}
