import type { CallerConnection } from "../caller-connection.ts";
import { GOODBYE_MS, GRACE_MS } from "../tls/standing.ts";

/**
 * The end of a connection that may not go on as it is: its caller is told to go elsewhere, calls go on for a while, what comes then is
 * answered that it is refused, and at last the connection is closed.
 */
export class OrderlyEnd {
  readonly #steps: (() => void)[];
  #dueMs: number;

  /** Begins it; `refuse` has calls refused from then on. */
  constructor(connection: Pick<CallerConnection, "leave" | "end" | "destroy">, refuse: () => void, nowMs: number) {
    this.#steps = [refuse, () => connection.end(), () => connection.destroy()];
    this.#dueMs = nowMs + GRACE_MS;
    connection.leave();
  }

  /** Takes the next step once it is due. */
  tick(nowMs: number): void {
    if (nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + GOODBYE_MS;
    this.#steps.shift()?.();
  }
}
