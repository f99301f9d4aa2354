import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { printAddress, socketPlace } from "../base/address.ts";
import { type Clock, realClock } from "../base/clock.ts";
import { CallError } from "../base/errors.ts";

/** Where a socket goes. */
export interface SocketOptions {
  readonly host: string;
  readonly port: number;
  /** 3,000 unless given. */
  readonly connectTimeoutMs?: number;
  /** Ends the connection whenever it aborts, with all that is under way on it. */
  readonly signal?: AbortSignal | undefined;
  /** Plain text without. */
  readonly tls?: ConnectionOptions | undefined;
  readonly clock?: Clock;
}

/**
 * Opens one connection, without listeners: add one for `error` at once. With TLS the peer has proved to be who is expected. Rejects with
 * `CallError` (`connect_failure`) that names the address and the reason.
 */
export function openSocket(options: SocketOptions): Promise<Socket> {
  const clock = options.clock ?? realClock;
  const address = printAddress(options.host, options.port);
  return new Promise((resolve, reject) => {
    const { host, port, signal, tls } = options;
    const place = socketPlace(host, port);
    const socket = tls === undefined ? connect({ ...place, noDelay: true }) : connectTls({ ...tls, ...place });
    const fail = (why: string) => {
      socket.destroy();
      reject(new CallError("unavailable", "connect_failure", `no connection to ${address}: ${why}`));
    };
    const timeoutMs = options.connectTimeoutMs ?? 3_000;
    const timer = clock.after(timeoutMs, () => fail(`no answer in ${timeoutMs} ms`));
    // Without an error: nobody need listen for one.
    const onAbort = () => fail("it was given up");
    socket.once("close", () => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    socket.once("error", (error: NodeJS.ErrnoException) => {
      timer.cancel();
      fail(error.code ?? error.message);
    });
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      timer.cancel();
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}

/** How long a peer has to end its side too, ms. */
const END_MS = 5_000;

/** Closes a connection after what was written: nothing more is read, and a peer that does not end its side in 5 s is cut off. */
export function endSocket(socket: Socket, clock: Clock): void {
  socket.removeAllListeners("data");
  socket.resume();
  socket.end();
  const timer = clock.after(END_MS, () => socket.destroy());
  socket.once("close", () => timer.cancel());
}
