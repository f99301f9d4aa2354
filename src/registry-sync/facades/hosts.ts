import { connect, type Socket } from "node:net";
import { TransientError } from "../../base/errors.ts";

/** One server of the registry. */
export interface UpstreamHost {
  readonly host: string;
  readonly port: number;
}

/**
 * The servers of a registry, tried as a client would: in an order shuffled once, starting with the one that answered last.
 */
export class UpstreamHosts {
  readonly #hosts: UpstreamHost[];
  #next = 0;

  /** `random` gives numbers in [0, 1). */
  constructor(hosts: readonly UpstreamHost[], random: () => number) {
    this.#hosts = [...hosts];
    for (let at = this.#hosts.length - 1; at > 0; at--) {
      const other = Math.floor(random() * (at + 1));
      const host = this.#hosts[at];
      const swapped = this.#hosts[other];
      if (host === undefined || swapped === undefined) continue;
      this.#hosts[at] = swapped;
      this.#hosts[other] = host;
    }
  }

  /** The server of the latest connection does not serve: the next one starts with another. */
  passOn(): void {
    this.#next = (this.#next + 1) % this.#hosts.length;
  }

  /**
   * Connects to the first server that takes the connection, within `timeoutMs` each. Throws `TransientError` when none does, with
   * the last one's error as its cause; stops early, with the same error, on the signal.
   */
  async connect(timeoutMs: number, signal: AbortSignal): Promise<Socket> {
    let last = "no server is configured";
    let cause: unknown;
    const first = this.#next;
    for (let step = 0; step < this.#hosts.length && !signal.aborted; step++) {
      const at = (first + step) % this.#hosts.length;
      const host = this.#hosts[at];
      if (host === undefined) continue;
      try {
        const socket = await connectTo(host, timeoutMs, signal);
        this.#next = at;
        return socket;
      } catch (error) {
        cause = error;
        last = `${host.host}:${host.port}: ${error instanceof Error ? error.message : String(error)}`;
        this.#next = (at + 1) % this.#hosts.length;
      }
    }
    throw new TransientError(`no server of the registry can be reached; the last tried, ${last}`, { cause });
  }
}

function connectTo({ host, port }: UpstreamHost, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, keepAlive: true, allowHalfOpen: false });
    const fail = (error: Error) => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      reject(error);
    };
    const onAbort = () => fail(new Error("the client went away"));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.setTimeout(timeoutMs, () => fail(new Error(`no connection within ${timeoutMs} ms`)));
    socket.once("error", fail);
    socket.once("connect", () => {
      signal.removeEventListener("abort", onAbort);
      socket.setTimeout(0);
      socket.removeListener("error", fail);
      resolve(socket);
    });
  });
}
