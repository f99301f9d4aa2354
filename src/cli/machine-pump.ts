import type { Clock, Timer } from "../base/clock.ts";
import type { ConnectionMachine } from "../codecs/connection.ts";

/** What a pump asks of a machine, and of the socket beneath it. */
export interface PumpOptions {
  readonly machine: Pick<ConnectionMachine<unknown, unknown>, "takeOutput" | "deadline">;
  readonly socket: { readonly writable: boolean; write(bytes: Uint8Array): unknown };
  readonly clock: Clock;
  /** The machine's deadline has come; called until {@link MachinePump.stop}. */
  readonly onDue: () => void;
}

/** Writes what a connection's machine has to say to its socket, once a turn of the loop, and wakes the machine when it is due. */
export class MachinePump {
  readonly #options: PumpOptions;
  #flushing = false;
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  /** To be called after each step of the machine: writes at the end of this turn, and moves the timer where the machine is due earlier. */
  run(): void {
    this.#schedule();
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.write();
    });
  }

  /** Writes at once. */
  write(): void {
    const { machine, socket } = this.#options;
    const output = machine.takeOutput();
    if (output.length > 0 && socket.writable) socket.write(output);
  }

  /** Wakes the machine no more. What it has to say is still written. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    const { machine, clock, onDue } = this.#options;
    const dueMs = this.#stopped ? undefined : machine.deadline();
    if (dueMs === undefined || dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = clock.after(Math.max(0, dueMs - clock.now()), () => {
      this.#timerDueMs = Number.POSITIVE_INFINITY;
      onDue();
    });
  }
}
