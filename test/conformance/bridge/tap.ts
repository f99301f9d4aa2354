import { connect, createServer, type Socket } from "node:net";

/** A relay on the way to a callee that keeps the last bytes which went there. */
export interface Tap {
  /** The last 64 KB, as Latin-1. */
  seen(): string;
  close(): void;
}

const KEPT_CHARS = 65_536;

/** Listens on the same port of `address` and relays all connections to `host`. */
export function startTap(address: string, host: string, port: number): Promise<Tap> {
  const sockets = new Set<Socket>();
  let kept = "";
  const server = createServer((caller) => {
    const callee = connect({ host, port });
    for (const [socket, other] of [
      [caller, callee],
      [callee, caller],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
    caller.on("data", (chunk) => {
      kept = (kept + chunk.toString("latin1", Math.max(0, chunk.length - KEPT_CHARS))).slice(-KEPT_CHARS);
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, () =>
      resolve({
        seen: () => kept,
        close: () => {
          server.close();
          for (const socket of sockets) socket.destroy();
        },
      }),
    );
  });
}
