import { createServer, type Server } from "node:net";
import { Http2Connection } from "../../src/codecs/http2/connection.ts";
import { ERROR } from "../../src/codecs/http2/frame.ts";

const HEAD = [":status", "200", "content-type", "text/plain"];
const BODY = Buffer.from("twelve bytes");

/** A listener on 127.0.0.1 that is made of our HTTP/2 machine alone: it answers each request when that has ended. */
export async function http2Server(port: number): Promise<Server> {
  const server = createServer((socket) => {
    const machine = new Http2Connection("server", Date.now());
    const flush = () => {
      const output = machine.takeOutput();
      if (output.length > 0) socket.write(output);
    };
    const timer = setInterval(() => {
      const due = machine.deadline();
      if (due === undefined || due > Date.now()) return;
      try {
        machine.tick(Date.now());
        flush();
      } catch {
        socket.end(machine.takeOutput());
      }
    }, 200);
    socket.on("close", () => clearInterval(timer));
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      if (socket.writableEnded) return;
      try {
        for (const event of machine.receive(bytes, Date.now())) {
          if (event.type === "data") machine.release(event.stream, event.bytes.length);
          const ended = event.type === "trailers" || ((event.type === "head" || event.type === "data") && event.end);
          if (!ended || event.stream.closed) continue;
          machine.head(event.stream, HEAD, false);
          machine.data(event.stream, BODY, true);
        }
      } catch (error) {
        if (!(error instanceof Error) || error.name !== "ProtocolError") machine.goaway(ERROR.internal);
        socket.end(machine.takeOutput());
        return;
      }
      flush();
    });
    flush();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return server;
}
