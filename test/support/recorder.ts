import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A TCP relay that keeps what it carried. */
export interface Recorder {
  /** What went over it so far, both ways, in the order of chunks; 1 MiB at most. */
  carried(): Buffer;
  /** Ends every connection. */
  cut(): void;
  close(): Promise<void>;
}

const MAX_BYTES = 1024 * 1024;

/** Listens at `host:port` and connects each caller to `targetHost:targetPort`. */
export async function startRecorder(
  host: string,
  port: number,
  targetHost: string,
  targetPort: number,
): Promise<Recorder> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const open = new Set<Socket>();
  const server = createServer((caller) => {
    const callee = connect(targetPort, targetHost);
    for (const [from, to] of [
      [caller, callee],
      [callee, caller],
    ] as const) {
      open.add(from);
      from.on("data", (chunk: Buffer) => {
        if (bytes < MAX_BYTES) chunks.push(chunk);
        bytes += chunk.length;
        to.write(chunk);
      });
      from.on("error", () => {});
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(port, host);
  await once(server, "listening");
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    carried: () => Buffer.concat(chunks),
    cut,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}
