import { createServer as createHttpServer, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer, type Server, type Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";

/** What is asked of who stands in a registry's place. */
export interface Asked {
  /** Path and query. */
  readonly url: string;
  readonly accept: string;
}

/** A whole answer of a registry. */
export interface Answer {
  readonly type: string;
  readonly body: Uint8Array;
  /** So many spaces come behind it, piece by piece, which none of these formats minds. */
  readonly spaces?: number;
  /** Called when the answer is over: sent to its end, or given up before. */
  readonly onEnd?: (isWhole: boolean) => void;
}

/** What stands in a registry's place: the same bytes for whatever is sent, or an answer of HTTP to each request; 503 where it has none. */
export type Impostor = Uint8Array | ((asked: Asked) => Answer | undefined);

/** How a registry that holds one service of this name answers who asks what it holds: text, that a case puts into bytes. */
export type ListOf = (name: string) => (asked: Asked) => { readonly type: string; readonly text: string };

const PIECE = Buffer.alloc(1024 * 1024, " ");

/** Starts it; speaks TLS where that is given. Gives what stops it. */
export async function startImpostor(
  host: string,
  port: number,
  impostor: Impostor,
  tls: TlsOptions | undefined,
): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  const server = typeof impostor === "function" ? httpServer(answering(impostor), tls) : rawServer(impostor, tls);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, resolve);
  });
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
}

function rawServer(answer: Uint8Array, tls: TlsOptions | undefined): Server {
  const take = (socket: Socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(answer));
  };
  return tls === undefined ? createServer(take) : createTlsServer(tls, take);
}

function httpServer(take: RequestListener, tls: TlsOptions | undefined): Server {
  return tls === undefined ? createHttpServer(take) : createHttpsServer(tls, take);
}

function answering(impostor: (asked: Asked) => Answer | undefined): RequestListener {
  return ({ url = "", headers }, response) => {
    response.on("error", () => {});
    const answer = impostor({ url, accept: headers.accept ?? "" });
    if (answer === undefined) response.writeHead(503).end();
    else void send(answer, response);
  };
}

async function send({ type, body, spaces = 0, onEnd }: Answer, response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": type });
  const isWhole = await pipeline(Readable.from(pieces(body, spaces)), response).then(
    () => true,
    () => false,
  );
  onEnd?.(isWhole);
}

/** None of it is held: each piece is the same one. */
function* pieces(body: Uint8Array, spaces: number): Iterable<Uint8Array> {
  yield body;
  for (let left = spaces; left > 0; left -= PIECE.length) yield PIECE.subarray(0, left);
}
