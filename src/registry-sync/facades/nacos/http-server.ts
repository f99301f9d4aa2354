import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { AllowTest } from "../../allow.ts";
import { AnswerWatch } from "../answer-watch.ts";
import type { Burden, Burdens } from "../burdens.ts";
import type { UpstreamHost } from "../hosts.ts";
import type { NacosCounters } from "./counters.ts";
import { HttpFault } from "./http-upstream.ts";
import { MAX_PIPELINED, Pipelines } from "./pipelines.ts";

/** What {@link listenHttp} needs. */
export interface HttpServerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: NacosCounters;
  readonly listen: UpstreamHost;
  readonly maxConnections: number;
  /** How long a client may take to read an answer, ms. */
  readonly writeTimeoutMs: number;
  /** What the facade keeps for all its clients. */
  readonly burdens: Burdens;
  readonly allows: AllowTest;
}

/** Answers a request; `HttpFault` for what is to be answered as an error. */
export type ServeHttp = (request: IncomingMessage, response: ServerResponse, burden: Burden) => Promise<void>;

/** A port that is listened on. */
export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

const MAX_HEADER_BYTES = 32 * 1024;

/** Listens for clients of HTTP, and bounds what each of them may take. Rejects when the address cannot be listened on. */
export async function listenHttp(options: HttpServerOptions, serve: ServeHttp): Promise<HttpServer> {
  const { counters, log } = options;
  const pipelines = new Pipelines();
  const answers = new AnswerWatch({ timeoutMs: options.writeTimeoutMs, clock: options.clock });
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: 15_000, requestTimeout: 60_000, keepAliveTimeout: 65_000 },
    (request, response) => {
      const { socket } = request;
      response.on("close", () => pipelines.leave(socket));
      if (!pipelines.enter(socket)) {
        counters.broken++;
        socket.destroy();
        return;
      }
      const cut = () => {
        if (socket.destroyed) return;
        counters.broken++;
        socket.destroy();
      };
      const burden = options.burdens.open(cut);
      answers.begin(response, cut);
      response.on("close", () => {
        burden.end();
        answers.end(response);
      });
      serve(request, response, burden).catch((error: unknown) => {
        const status = error instanceof HttpFault ? error.status : 500;
        if (status === 500) log.error("nacos facade: request failed by a fault of ours", { error: String(error) });
        if (response.headersSent || response.destroyed) response.destroy();
        else {
          const text = error instanceof HttpFault ? error.message : "internal error";
          response.writeHead(status, { "content-type": "text/plain;charset=UTF-8" }).end(text);
          if (!request.complete) request.destroy();
        }
      });
    },
  );
  server.maxConnections = options.maxConnections;
  server.on("connection", (socket) => {
    // Each request that is open listens for its end.
    socket.setMaxListeners(2 * MAX_PIPELINED);
    if (options.allows(socket.remoteAddress ?? "")) return;
    counters.refused++;
    socket.destroy();
  });
  server.on("drop", () => {
    counters.refused++;
  });
  server.on("clientError", (_error, socket) => {
    counters.broken++;
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.listen.port, options.listen.host, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  server.on("error", (error) => log.error("nacos facade: http listener failed", { error: error.message }));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
