import type { Socket } from "node:net";
import type { ProxyContext } from "../context.ts";

/** A connection that takes longer than this is not waited for by calls that another provider can take, ms. */
const CONNECT_PATIENCE_MS = 200;

/** What happens while a connection is made. */
export interface Connecting {
  /** It takes longer than a patient caller would like; said again while it does. */
  onSlow(): void;
  /** It took longer than the limit and is given up: the socket closes after this. */
  onTooSlow(message: string): void;
  onConnected(): void;
}

/** Times the making of a connection to a provider. */
export function superviseConnect(context: ProxyContext, socket: Socket, owner: Connecting): void {
  const { connectTimeoutMs } = context.limits;
  let givingUp: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    // Where the process stood still for as long, the connection may be made already and be reported later in this turn.
    givingUp = setImmediate(() => {
      owner.onTooSlow(`connecting took over ${connectTimeoutMs} ms`);
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
  socket.once("connect", () => {
    stopTimers();
    context.nowMs = performance.now();
    owner.onConnected();
  });
}
