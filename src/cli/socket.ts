import { connect, type Socket } from "node:net";
import { type Clock, realClock } from "../base/clock.ts";
import { CallError } from "../base/errors.ts";
import { printAddress } from "./config/address.ts";

/** Where a socket goes. */
export interface SocketOptions {
  readonly host: string;
  readonly port: number;
  /** 3,000 unless given. */
  readonly connectTimeoutMs?: number;
  readonly clock?: Clock;
}

/**
 * Opens one TCP connection, without listeners: add one for `error` at once. Rejects with `CallError` (`connect_failure`) that
 * names the address and the reason.
 */
export function openSocket(options: SocketOptions): Promise<Socket> {
  const clock = options.clock ?? realClock;
  const address = printAddress(options.host, options.port);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: options.host, port: options.port, noDelay: true });
    const fail = (why: string) => {
      socket.destroy();
      reject(new CallError("unavailable", "connect_failure", `no connection to ${address}: ${why}`));
    };
    const timeoutMs = options.connectTimeoutMs ?? 3_000;
    const timer = clock.after(timeoutMs, () => fail(`no answer in ${timeoutMs} ms`));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      timer.cancel();
      fail(error.code ?? error.message);
    });
    socket.once("connect", () => {
      timer.cancel();
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}
