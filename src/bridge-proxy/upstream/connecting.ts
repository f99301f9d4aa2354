import { connect, type OnReadOpts, type Socket } from "node:net";
import { socketPlace } from "../../base/address.ts";
import type { ProxyContext } from "../context.ts";
import type { ConnectTarget } from "./connect-target.ts";

/** A connection that takes longer than this is not waited for by calls that another provider can take, ms. */
const CONNECT_PATIENCE_MS = 200;

/** What happens while a connection is made. */
export interface Connecting {
  /** It takes longer than a patient caller would like; said again while it does. */
  onSlow(): void;
  /** It took longer than the limit, or the peer is not who is expected, and is given up: the socket closes after this. */
  onGivenUp(message: string): void;
  onConnected(): void;
  /** Its peer would be refused now, or either end's certificate expires soon: it is to take no new call, and ends after a while. */
  onDistrusted(): void;
}

/** Begins a connection to a provider. */
export function openSocket({ address, port, tls }: ConnectTarget, onread: OnReadOpts): Socket {
  return tls === undefined ? connect({ ...socketPlace(address, port), onread }) : tls.open(address, port, onread);
}

/** Times the making of a connection to a provider; with TLS it is made once the peer has proved to be who is expected. */
export function superviseConnect(
  context: ProxyContext,
  socket: Socket,
  { address, port, tls, pool }: ConnectTarget,
  owner: Connecting,
): void {
  const connectTimeoutMs = pool?.connectTimeoutMs ?? context.limits.connectTimeoutMs;
  let givingUp: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    // Where the process stood still for as long, the connection may be made already and be reported later in this turn.
    givingUp = setImmediate(() => {
      owner.onGivenUp(`connecting took over ${connectTimeoutMs} ms`);
      socket.destroy();
    });
  }, connectTimeoutMs);
  const patience = setInterval(() => {
    context.nowMs = performance.now();
    owner.onSlow();
  }, CONNECT_PATIENCE_MS);
  const stopTimers = () => {
    clearTimeout(timer);
    clearImmediate(givingUp);
    clearInterval(patience);
  };
  socket.once("close", stopTimers);
  socket.once(tls === undefined ? "connect" : "secureConnect", () => {
    stopTimers();
    context.nowMs = performance.now();
    if (pool?.keepAliveMs !== undefined) socket.setKeepAlive(true, pool.keepAliveMs);
    const fault = tls?.check(socket, `${address}:${port}`);
    if (fault === undefined) {
      tls?.follow(socket, `${address}:${port}`, () => owner.onDistrusted());
      owner.onConnected();
    } else {
      owner.onGivenUp(`TLS: ${fault.message}`);
      socket.destroy();
    }
  });
}
