import { connect, type Socket } from "node:net";
import { socketPlace } from "../../base/address.ts";
import type { CallerConnection } from "../caller-connection.ts";

/**
 * Carries the bytes of an accepted connection, `first` among them, to a provider and back as they are, at the pace of the slower side. Ends
 * both when one has ended; `onClosed` is called once, then.
 */
export class Passage implements CallerConnection {
  readonly #accepted: Socket;
  readonly #provider: Socket;
  readonly #connecting: NodeJS.Timeout;
  readonly #onClosed: () => void;
  #isOver = false;

  constructor(
    accepted: Socket,
    first: Buffer,
    to: { readonly address: string; readonly port: number },
    timeoutMs: number,
    onClosed: () => void,
  ) {
    this.#accepted = accepted;
    this.#onClosed = onClosed;
    this.#provider = connect({ ...socketPlace(to.address, to.port), noDelay: true });
    this.#connecting = setTimeout(() => this.#provider.destroy(), timeoutMs);
    this.#provider.once("connect", () => clearTimeout(this.#connecting));
    for (const socket of [this.#provider, accepted]) {
      socket.on("error", () => {});
      socket.once("close", () => this.destroy());
    }
    this.#provider.write(first);
    accepted.pipe(this.#provider);
    this.#provider.pipe(accepted);
  }

  get backlogBytes(): number {
    return this.#accepted.writableLength;
  }

  /** Nobody can say so in words that are not read. */
  leave(): void {}

  end(): void {
    this.#provider.unpipe(this.#accepted);
    this.#accepted.end();
  }

  destroy(): void {
    clearTimeout(this.#connecting);
    this.#provider.destroy();
    this.#accepted.destroy();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onClosed();
  }

  tick(): void {}
}
