import type { ProxyLimits } from "../context.ts";

/** A large frame gets more time, as much as a slow line needs. */
const SLOWEST_BYTES_PER_MS = 20;

/** What is to be done about a caller now. */
export type PulseWord = "end" | "ask" | undefined;

/** Whether a caller is still there: it is asked when it is silent, and gone when it stays so or does not go on with a frame. */
export class Pulse {
  readonly #limits: Pick<ProxyLimits, "heartbeatMs" | "frameTimeoutMs">;
  #lastReadMs: number;
  /** When the frame that is not finished began. */
  #frameSinceMs = 0;
  #lastAskedMs = 0;

  constructor(limits: Pick<ProxyLimits, "heartbeatMs" | "frameTimeoutMs">, nowMs: number) {
    this.#limits = limits;
    this.#lastReadMs = nowMs;
  }

  /** Bytes came. */
  read(nowMs: number): void {
    this.#lastReadMs = nowMs;
  }

  /** The frame that is not finished began with what came last; one that only grew is as old as it was. */
  begin(nowMs: number): void {
    this.#frameSinceMs = nowMs;
  }

  /** Says what is to be done, while `heldBytes` of a frame that is not finished are here. */
  look(nowMs: number, heldBytes: number): PulseWord {
    const { frameTimeoutMs, heartbeatMs } = this.#limits;
    const idleMs = nowMs - this.#lastReadMs;
    const frameMs = frameTimeoutMs + heldBytes / SLOWEST_BYTES_PER_MS;
    const isStuck = heldBytes > 0 && (idleMs > frameTimeoutMs || nowMs - this.#frameSinceMs > frameMs);
    if (idleMs > 3 * heartbeatMs || isStuck) return "end";
    if (idleMs <= heartbeatMs || nowMs - this.#lastAskedMs <= heartbeatMs) return undefined;
    this.#lastAskedMs = nowMs;
    return "ask";
  }
}
