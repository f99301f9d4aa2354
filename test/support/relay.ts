import { connect, createServer, type Server, type Socket } from "node:net";

/** A TCP relay that can be told to treat its connections badly: what a network or a dying host does to a peer. */
export interface Relay {
  readonly host: string;
  readonly port: number;
  /** Connections open now, callers' side. */
  connections(): number;
  /** Bytes that callers have sent since the start. */
  bytesFromCallers(): number;
  /** Ends every connection with RST. New ones are taken as before. */
  reset(): void;
  /** Ends every connection with FIN. */
  cut(): void;
  /** Takes bytes and connections but passes nothing on, either way, until {@link heal}. */
  blackHole(): void;
  /** Passes every chunk on after `ms`, in order. */
  delay(ms: number): void;
  /** Sends RST to a connection as soon as it has carried this many more bytes of answers: in the middle of a frame. */
  resetAfter(bytes: number): void;
  /** Refuses connections (the port is closed) and resets those that are open, until {@link open}. */
  close(): Promise<void>;
  open(): Promise<void>;
  /** Back to passing everything on at once; what a black hole held back goes on now. */
  heal(): void;
  stop(): Promise<void>;
}

interface Pair {
  readonly caller: Socket;
  readonly callee: Socket;
}

/** Listens on `host:port` and connects each caller to `targetHost:targetPort`. */
export async function startRelay(host: string, port: number, targetHost: string, targetPort: number): Promise<Relay> {
  const pairs = new Set<Pair>();
  let bytes = 0;
  let holding = false;
  let delayMs = 0;
  let answersLeft = Number.POSITIVE_INFINITY;
  const pass = (from: Socket, to: Socket, answers: boolean): void => {
    from.on("data", (chunk: Buffer) => {
      if (!answers) bytes += chunk.length;
      let rest = chunk;
      let last = false;
      if (answers && chunk.length >= answersLeft) {
        rest = chunk.subarray(0, answersLeft);
        last = true;
        answersLeft = Number.POSITIVE_INFINITY;
      } else if (answers) {
        answersLeft -= chunk.length;
      }
      const send = (): void => {
        if (to.writable) to.write(rest);
        // A moment later, so that the bytes before the RST are not thrown away with it.
        if (last) setTimeout(() => to.resetAndDestroy(), 20);
      };
      if (delayMs > 0) setTimeout(send, delayMs);
      else send();
    });
  };
  const accept = (caller: Socket): void => {
    const callee = connect({ host: targetHost, port: targetPort, allowHalfOpen: true });
    const pair: Pair = { caller, callee };
    pairs.add(pair);
    const over = (): void => {
      pairs.delete(pair);
    };
    for (const [one, other] of [
      [caller, callee],
      [callee, caller],
    ] as const) {
      one.setNoDelay(true);
      one.on("error", () => other.destroy());
      one.on("end", () => other.end());
      one.on("close", () => {
        over();
        other.destroy();
      });
    }
    pass(caller, callee, false);
    pass(callee, caller, true);
    if (holding) {
      caller.pause();
      callee.pause();
    }
  };
  const listen = (): Promise<Server> =>
    new Promise((resolve, reject) => {
      const created = createServer({ allowHalfOpen: true }, accept);
      created.on("error", reject);
      created.listen({ host, port }, () => resolve(created));
    });
  let server: Server | undefined = await listen();
  const each = (act: (socket: Socket) => void): void => {
    for (const { caller, callee } of pairs) {
      act(caller);
      act(callee);
    }
  };
  const close = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    each((socket) => socket.resetAndDestroy());
    if (closing !== undefined) await new Promise<void>((resolve) => closing.close(() => resolve()));
  };
  return {
    host,
    port,
    connections: () => pairs.size,
    bytesFromCallers: () => bytes,
    reset: () => each((socket) => socket.resetAndDestroy()),
    cut: () => each((socket) => socket.end()),
    blackHole() {
      holding = true;
      each((socket) => socket.pause());
    },
    delay(ms) {
      delayMs = ms;
    },
    resetAfter(count) {
      answersLeft = count;
    },
    close,
    async open() {
      server ??= await listen();
    },
    heal() {
      holding = false;
      delayMs = 0;
      answersLeft = Number.POSITIVE_INFINITY;
      each((socket) => socket.resume());
    },
    stop: close,
  };
}
