import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { pipeline } from "node:stream";
import { type Clock, realClock } from "../../base/clock.ts";
import { ProtocolError, TransientError } from "../../base/errors.ts";
import { type Logger, silentLogger } from "../../base/log.ts";
import { compileAllow, plainAddress } from "../allow.ts";
import type { Facade } from "../contracts.ts";
import type { PresentContext } from "../present/context.ts";
import { readBody } from "../sources/eureka/link.ts";
import { AnswerWatch } from "./answer-watch.ts";
import { type Burden, Burdens } from "./burdens.ts";
import { BasicLogins } from "./eureka/basic-logins.ts";
import { createCounters, type EurekaCounters } from "./eureka/counters.ts";
import { EurekaHandler, type FacadeAnswer } from "./eureka/handler.ts";
import { passedHeaders } from "./eureka/headers.ts";
import { RegistryLists } from "./eureka/lists.ts";
import type { FacadeRequest } from "./eureka/request.ts";
import type { WholeAnswer } from "./eureka/stand-ins.ts";
import { EurekaUpstream } from "./eureka/upstream.ts";
import { listenAt } from "./listen.ts";
import type { OnLogin } from "./logins.ts";

/** What {@link createEurekaFacade} needs; everything but the first three has a default. */
export interface EurekaFacadeOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** The real servers; not empty. */
  readonly upstream: readonly { readonly host: string; readonly port: number }[];
  readonly context: PresentContext;
  /** Where the real servers' REST interface is; `/eureka` unless told. */
  readonly path?: string;
  /** Addresses and CIDR ranges that may connect; empty allows all. */
  readonly allow?: readonly string[];
  /** Most connections at once; more are closed as they come. */
  readonly maxConnections?: number;
  /** How old the registry's list may be that clients are answered by, ms; 1 s unless told. */
  readonly maxAgeMs?: number;
  readonly connectTimeoutMs?: number;
  /** How long a server may take to begin its answer, ms; all together may take 7 s. */
  readonly timeoutMs?: number;
  /** How long a client may take to read its answer, ms. */
  readonly writeTimeoutMs?: number;
  /** What is kept of the requests of all clients together that are not whole, or not answered yet, bytes. */
  readonly maxKeptBytes?: number;
  readonly clock?: Clock;
  readonly log?: Logger;
  /** Hears of provider instances (`address:port`) that a client took out on purpose. */
  readonly onRemoval?: (instances: readonly string[]) => void;
  /** Hears of clients that log in. */
  readonly onLogin?: OnLogin | undefined;
}

/** A running facade of Eureka. */
export interface EurekaFacade extends Facade {
  readonly counters: Readonly<EurekaCounters>;
}

const DEFAULTS = {
  ...{ maxConnections: 10_000, maxAgeMs: 1_000, connectTimeoutMs: 2_000, timeoutMs: 5_000, writeTimeoutMs: 60_000 },
  maxKeptBytes: 256 * 1024 * 1024,
} as const;
/** Largest body of a client, which is one instance, and of a batch of replication. */
const MAX_REQUEST_BYTES = 1024 * 1024;
const MAX_BATCH_BYTES = 16 * 1024 * 1024;
/** Where servers send batches, whatever path the real ones have. */
const BATCHES = /^\/eureka(?:\/v2)?\/peerreplication\//;
const MAX_LIST_BYTES = 256 * 1024 * 1024;
/** For all servers that are asked for one request together, ms: below the 8 s that Eureka's clients wait. */
const BUDGET_MS = 7_000;
/** Longer than clients' pauses between two renewals, so that connections last. */
const KEEP_ALIVE_MS = 75_000;
const EMPTY = Buffer.alloc(0);

/**
 * Serves Eureka's REST interface in front of real servers: what clients register, renew and ask of themselves is passed on; lists are
 * the registry's as {@link PresentContext} says they are shown. Rejects when the address cannot be listened on, or an `allow` entry is wrong.
 */
export async function createEurekaFacade(options: EurekaFacadeOptions): Promise<EurekaFacade> {
  const { clock = realClock, log = silentLogger } = options;
  const { maxConnections, maxAgeMs, connectTimeoutMs, timeoutMs, writeTimeoutMs, maxKeptBytes } = {
    ...DEFAULTS,
    ...options,
  };
  const allows = compileAllow(options.allow ?? []);
  const counters = createCounters();
  const basePath = options.path ?? "/eureka";
  const upstream = new EurekaUpstream({
    ...{ servers: options.upstream, connectTimeoutMs, timeoutMs, budgetMs: BUDGET_MS, clock },
  });
  const lists = new RegistryLists({
    path: `${basePath}/apps`,
    ...{ maxAgeMs, clock },
    async ask(request) {
      const answer = await upstream.pass(request);
      try {
        return { answer, body: await readBody(answer, MAX_LIST_BYTES) };
      } catch (error) {
        answer.destroy();
        throw new TransientError(`eureka list cannot be read: ${(error as Error).message}`);
      }
    },
  });
  const pass = ({ method, headers, body, signal }: FacadeRequest, path: string) =>
    upstream.pass({
      ...{ method, path, body, ...(signal && { signal }) },
      headers: passedHeaders(headers),
    });
  const handler = new EurekaHandler({
    ...{ context: options.context, lists, basePath, counters, clock, pass },
    ask: async (request, path) => wholeAnswer(await pass(request, path)),
    ...(options.onRemoval && { onRemoval: options.onRemoval }),
  });
  const logins = options.onLogin && new BasicLogins(clock, options.onLogin, counters);
  const burdens = new Burdens(maxKeptBytes, () => clock.now());
  const answers = new AnswerWatch({ timeoutMs: writeTimeoutMs, clock });
  const limits = {
    maxHeaderSize: 32 * 1024,
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  const server = createServer(limits, (request, response) => {
    counters.requests++;
    logins?.heard(plainAddress(request.socket.remoteAddress ?? ""), request.headers.authorization);
    const cut = () => {
      if (isCutOff(request)) return;
      counters.broken++;
      request.socket?.destroy();
    };
    // Its body is kept until it is answered, though its client be gone: that is what can be given up then.
    const giving = new AbortController();
    const burden = burdens.open(() => {
      cut();
      giving.abort();
    });
    answers.begin(response, cut);
    response.on("close", () => answers.end(response));
    serve(request, response, { handler, burden, signal: giving.signal })
      .catch((error: unknown) => refuse(request, response, error, counters, log))
      .finally(() => burden.end());
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    counters.connections++;
    if (sockets.size >= maxConnections || !allows(socket.remoteAddress ?? "")) {
      counters.refused++;
      socket.destroy();
      return;
    }
    sockets.add(socket);
    counters.sessions = sockets.size;
    socket.on("close", () => {
      sockets.delete(socket);
      counters.sessions = sockets.size;
    });
  });
  server.on("clientError", (_, socket) => {
    counters.broken++;
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    else socket.destroy();
  });
  await listenAt(server, options.listen);
  server.on("error", (error) => log.error("eureka facade: listener failed", { error: error.message }));
  const { address, port } = server.address() as AddressInfo;
  return {
    address: { host: address, port },
    counters,
    setContext(context) {
      handler.context = context;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      upstream.close();
      logins?.close();
      await closed;
    },
  };
}

/** Throws `TransientError` for one that breaks off. */
async function wholeAnswer(answer: IncomingMessage): Promise<WholeAnswer> {
  try {
    const body = await readBody(answer, MAX_REQUEST_BYTES);
    return { status: answer.statusCode ?? 502, type: answer.headers["content-type"], body };
  } catch (error) {
    answer.destroy();
    throw new TransientError(`eureka answer cannot be read: ${(error as Error).message}`);
  }
}

interface Serving {
  readonly handler: EurekaHandler;
  /** What is kept for the request. */
  readonly burden: Burden;
  /** Aborted where the request is given up, since too much is kept. */
  readonly signal: AbortSignal;
}

async function serve(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const { handler, burden, signal } = serving;
  const { method = "GET", url = "/", headers } = request;
  const maxBytes = BATCHES.test(url) ? MAX_BATCH_BYTES : MAX_REQUEST_BYTES;
  const body = await requestBody(request, maxBytes, burden);
  const address = (request.socket?.remoteAddress ?? "").replace(/^::ffff:/, "");
  await send(await handler.handle({ method, url, headers, body, address, signal }), response);
}

function send(answer: FacadeAnswer, response: ServerResponse): Promise<void> {
  if (answer.kind === "made") {
    response.writeHead(answer.status, { ...answer.headers, "content-length": answer.body.length });
    response.end(answer.body);
    return Promise.resolve();
  }
  const { statusCode = 502, headers } = answer.answer;
  const length = headers["content-length"];
  try {
    response.writeHead(statusCode, {
      ...passedHeaders(headers),
      ...(length !== undefined && { "content-length": length }),
    });
  } catch (error) {
    answer.answer.destroy();
    throw new ProtocolError("eureka", `a eureka server's answer cannot be passed on: ${(error as Error).message}`);
  }
  return new Promise((resolve) => {
    // Cut off on either side, the other side is cut off as well: half an answer must not look whole.
    pipeline(answer.answer, response, () => resolve());
  });
}

/** Half an HTTP answer is ended by its connection; before that there is a status that says why. */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  counters: EurekaCounters,
  log: Logger,
): void {
  if (response.headersSent || isCutOff(request)) {
    request.socket?.destroy();
    return;
  }
  const end = (status: number, text: string) => {
    response.writeHead(status, { "content-type": "text/plain", connection: "close" });
    response.end(text);
  };
  if (error instanceof TransientError) {
    counters.upstreamFailures++;
    log.debug("eureka facade: registry out of reach", { error: error.message });
    end(503, "no server of the registry answers");
  } else if (error instanceof ProtocolError) {
    counters.upstreamFailures++;
    log.warn("eureka facade: the registry's answer cannot be read", { error: error.message });
    end(502, error.message);
  } else if (error instanceof OverlongBody) {
    counters.broken++;
    end(413, error.message);
  } else {
    log.error("eureka facade: a request failed by a fault of ours", {
      error: error instanceof Error ? error.stack : `${error}`,
    });
    end(500, "internal error");
  }
}

/** Whether nobody is there to be answered: a request that ended with its connection has no socket any more. */
function isCutOff({ socket }: { readonly socket: Socket | null }): boolean {
  return socket === null || socket.destroyed;
}

/** A client's body is over the limit. */
class OverlongBody extends Error {}

/** A request's whole body. Throws {@link OverlongBody} for one over the limit. */
async function requestBody(request: IncomingMessage, maxBytes: number, burden: Burden): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // One that is too long is still answered: leaving the loop must not end its connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBytes) throw new OverlongBody(`request body is over ${maxBytes} bytes`);
    burden.add((chunk as Buffer).length);
    chunks.push(chunk as Buffer);
  }
  return chunks.length === 0 ? EMPTY : Buffer.concat(chunks);
}
