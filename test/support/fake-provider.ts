import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { frame } from "./raw-dubbo.ts";

/** One frame that a {@link FakeProvider} was sent. */
export interface SeenFrame {
  readonly socket: Socket;
  readonly flags: number;
  readonly id: bigint;
  readonly body: Buffer;
}

/** A provider made of bytes by hand: what it does with a call is the test's to say. */
export interface FakeProvider {
  readonly port: number;
  /** Calls so far, events left out. */
  calls: number;
  /** Heartbeats that it was asked. */
  heartbeats: number;
  /** Connections open now. */
  readonly sockets: ReadonlySet<Socket>;
  /** Answers calls from now on; {@link answerCall} until it is set. */
  onCall: (seen: SeenFrame) => void;
  /** Whether it answers heartbeats. */
  alive: boolean;
  close(): Promise<void>;
}

/** Answers with the value `text` (no more than 31 ASCII characters) under status 20. */
export function answerCall({ socket, id }: SeenFrame, text = "ok"): void {
  socket.write(
    frame(0x02, id, Buffer.concat([Buffer.from([0x91, text.length]), Buffer.from(text, "latin1")]), undefined, 20),
  );
}

/** Starts a provider on 127.0.0.1, on a free port unless one is given. */
export async function startFakeProvider(port = 0): Promise<FakeProvider> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let buffered = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      while (buffered.length >= 16 && buffered.length >= 16 + buffered.readInt32BE(12)) {
        const end = 16 + buffered.readInt32BE(12);
        const seen = { socket, flags: buffered[2]!, id: buffered.readBigInt64BE(4), body: buffered.subarray(16, end) };
        buffered = buffered.subarray(end);
        take(seen);
      }
    });
  });
  const provider = {
    port: 0,
    calls: 0,
    heartbeats: 0,
    sockets,
    onCall: (seen: SeenFrame) => answerCall(seen),
    alive: true,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  function take(seen: SeenFrame): void {
    if ((seen.flags & 0x80) === 0) return;
    if ((seen.flags & 0x20) === 0) {
      provider.calls++;
      provider.onCall(seen);
    } else if ((seen.flags & 0x40) !== 0) {
      provider.heartbeats++;
      if (provider.alive) seen.socket.write(frame(0x22, seen.id, seen.body, undefined, 20));
    }
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  provider.port = (server.address() as AddressInfo).port;
  return provider;
}
