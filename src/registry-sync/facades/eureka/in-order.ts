import { TransientError } from "../../../base/errors.ts";

/** Requests about one instance that may wait for an earlier one. */
const MAX_WAITING = 16;

/**
 * Carries requests about one thing in the order in which they came, the next once the one before it was answered: sent on different
 * connections, a later registration could reach the server first and be undone by the earlier one.
 */
export class InOrder {
  readonly #lasts = new Map<string, { last: Promise<void>; waiting: number }>();

  /**
   * Runs `task` once all earlier ones of `key` have ended, well or not. Throws `TransientError` where too many wait, and where its turn
   * comes when `isLate` says that nobody waits for it any more.
   */
  async run<T>(key: string, isLate: () => boolean, task: () => Promise<T>): Promise<T> {
    const queue = this.#lasts.get(key) ?? { last: Promise.resolve(), waiting: 0 };
    if (queue.waiting >= MAX_WAITING) throw new TransientError(`over ${MAX_WAITING} requests of ${key} wait`);
    const isFirst = queue.waiting++ === 0;
    this.#lasts.set(key, queue);
    const before = queue.last;
    const run = async () => {
      if (!isFirst) await before;
      if (!isFirst && isLate()) throw new TransientError(`earlier requests of ${key} are not answered`);
      return task();
    };
    const answer = run();
    const ended = () => {
      queue.waiting--;
      if (queue.waiting === 0) this.#lasts.delete(key);
    };
    queue.last = answer.then(ended, ended);
    return answer;
  }
}
