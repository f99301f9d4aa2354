import { type Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { gunzipSync, inflateSync } from "node:zlib";
import type { Burden } from "../burdens.ts";
import type { UpstreamHost } from "../hosts.ts";
import type { NacosCounters } from "./counters.ts";

/** A request that is answered here. */
export class HttpFault extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "HttpFault";
    this.status = status;
  }
}

/** What is asked of a server, on a client's behalf. */
export interface Forwarded {
  /** Path and query. */
  readonly path: string;
  readonly body: Buffer;
  /** What is kept for the request. */
  readonly burden: Burden;
}

/** Who asks: a client by a request of now, or of before, by `address`. */
export interface HttpAsker extends Pick<IncomingMessage, "headers" | "method"> {
  readonly socket?: IncomingMessage["socket"] | null;
  readonly address?: string;
}

/** A whole answer, its content unpacked. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** What {@link HttpUpstream} needs. */
export interface HttpUpstreamOptions {
  readonly hosts: readonly UpstreamHost[];
  readonly agent: Agent;
  readonly connectTimeoutMs: number;
  readonly shared: { readonly counters: NacosCounters };
  readonly random: () => number;
}

/** A server that says nothing for this long is given up, ms: long polls last 30 s unless their clients say so, and 90 s at most. */
const SILENT_MS = 100_000;
/** Fields of one hop (RFC 9110 section 7.6.1), and those that are made anew. */
const HOP: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer"],
  ...["transfer-encoding", "upgrade", "expect", "host", "content-length", "http2-settings"],
]);

/** The registry's servers, as its HTTP API is asked: each request by itself, with what its client sent and nothing of ours. */
export class HttpUpstream {
  readonly #options: HttpUpstreamOptions;
  readonly #addresses = new Set<string>();
  #next: number;
  /** Our own address, as the servers see it; undefined until one answered. */
  localAddress: string | undefined;

  constructor(options: HttpUpstreamOptions) {
    this.#options = options;
    this.#next = Math.floor(options.random() * options.hosts.length);
  }

  /** Whether one of the servers has answered from this address. */
  knows(address: string): boolean {
    return this.#addresses.has(address);
  }

  /** Passes a request on and its answer back, piece by piece; gives its status. Throws `HttpFault` while nothing was sent. */
  async pass(request: IncomingMessage, response: ServerResponse, forwarded: Forwarded): Promise<number> {
    const answer = await this.#ask(request, forwarded, headersOf(request));
    response.writeHead(answer.statusCode ?? 502, passedHeaders(answer, true));
    response.on("close", () => answer.destroy());
    answer.on("error", () => response.destroy());
    answer.on("aborted", () => response.destroy());
    answer.pipe(response);
    return answer.statusCode ?? 502;
  }

  /** Makes a request and reads its whole answer. Throws `HttpFault`. */
  async fetch(request: HttpAsker, forwarded: Forwarded & { readonly maxBytes: number }): Promise<Answer> {
    const headers = { ...headersOf(request), "accept-encoding": "identity" };
    const answer = await this.#ask(request, forwarded, headers);
    const body = await readBody(answer, forwarded.maxBytes, 502, forwarded.burden);
    const unpacked = unpack(body, answer.headers["content-encoding"] ?? "", forwarded.maxBytes);
    return { status: answer.statusCode ?? 502, headers: answer.headers, body: unpacked };
  }

  /** Sends a whole answer, with another body where one is given. */
  reply(response: ServerResponse, answer: Answer, bytes: Buffer = answer.body): void {
    const headers = passedHeaders({ headers: answer.headers }, false);
    for (const name of ["content-encoding", "content-md5", "etag"]) delete headers[name];
    response.writeHead(answer.status, { ...headers, "content-length": bytes.length });
    response.end(bytes);
  }

  /** Asks one server after another until one takes the connection. */
  async #ask(
    request: HttpAsker,
    forwarded: Forwarded,
    headers: Record<string, string | string[]>,
  ): Promise<IncomingMessage> {
    const { hosts } = this.#options;
    const first = this.#next;
    // Once more than there are servers: the first one may only have closed a kept connection.
    for (let step = 0; step <= hosts.length; step++) {
      // Nobody waits for the answer: of a long poll it would take a connection for as long as that lasts.
      if (isGone(request)) throw new HttpFault(502, "the client went away");
      const at = (first + step) % hosts.length;
      try {
        const answer = await this.#askOne(hosts[at]!, request, forwarded, headers);
        this.#next = at;
        return answer;
      } catch (error) {
        if (!(error instanceof Unreached) || isGone(request)) throw error;
        this.#options.shared.counters.upstreamFailures++;
        this.#next = (at + 1) % hosts.length;
      }
    }
    throw new HttpFault(503, "no server of the registry can be reached");
  }

  #askOne(
    { host, port }: UpstreamHost,
    request: HttpAsker,
    { path, body }: Forwarded,
    headers: Record<string, string | string[]>,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { agent, connectTimeoutMs } = this.#options;
      const hasBody = body.length > 0 || (request.method !== "GET" && request.method !== "HEAD");
      const outgoing = httpRequest({
        ...{ host, port, agent, path },
        method: request.method ?? "GET",
        headers: hasBody ? { ...headers, "content-length": String(body.length) } : headers,
      });
      let isConnected = false;
      const timer = setTimeout(() => {
        if (!isConnected) outgoing.destroy(new Error("no connection in time"));
      }, connectTimeoutMs);
      const gone = () => {
        if (isGone(request)) outgoing.destroy(new Error("the client went away"));
      };
      request.socket?.once("close", gone);
      const done = () => {
        clearTimeout(timer);
        request.socket?.removeListener("close", gone);
      };
      outgoing.on("socket", (socket) => {
        const connected = () => {
          isConnected = true;
          this.#addresses.add((socket.remoteAddress ?? "").replace(/^::ffff:/, ""));
          this.localAddress = socket.localAddress?.replace(/^::ffff:/, "");
        };
        if (socket.connecting) socket.once("connect", connected);
        else connected();
      });
      outgoing.setTimeout(SILENT_MS, () => outgoing.destroy(new Error("no answer in time")));
      outgoing.on("error", (error) => {
        done();
        // A kept connection that the server had closed meanwhile; all that clients ask for may be asked twice.
        const isStale = outgoing.reusedSocket && (error as NodeJS.ErrnoException).code === "ECONNRESET";
        if (!isConnected || isStale) reject(new Unreached());
        else reject(new HttpFault(502, "the registry's server did not answer"));
      });
      outgoing.on("response", (answer) => {
        done();
        resolve(answer);
      });
      outgoing.end(body);
    });
  }
}

/** Whether nobody waits for the answer any more, and nothing else depends on it: what is deregistered on the way out is to be gone. */
function isGone({ method, socket }: HttpAsker): boolean {
  return socket !== undefined && (socket?.destroyed ?? true) && method !== "DELETE";
}

class Unreached extends HttpFault {
  constructor() {
    super(502, "the registry's server could not be reached");
  }
}

/** Reads a whole body. Throws `HttpFault` with `status` where it is over the limit or breaks off, 503 where too much is kept for all. */
export async function readBody(
  message: IncomingMessage,
  maxBytes: number,
  status: number,
  burden: Burden,
): Promise<Buffer> {
  const announced = Number(message.headers["content-length"] ?? "0");
  if (announced > maxBytes) throw new HttpFault(status, `body of ${announced} bytes is over ${maxBytes}`);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) throw new HttpFault(status, `body is over ${maxBytes} bytes`);
      burden.add(chunk.length);
      if (burden.isOver) throw new HttpFault(503, "too much is asked for at once");
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof HttpFault ? error : new HttpFault(status === 413 ? 400 : status, "body breaks off");
  }
  return Buffer.concat(chunks, length);
}

/** What the client sent, and where from: the registry knows its clients by that. */
function headersOf(request: HttpAsker): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !HOP.has(name)) headers[name] = value;
  }
  const before = request.headers["x-forwarded-for"];
  const address = request.address ?? (request.socket?.remoteAddress ?? "").replace(/^::ffff:/, "");
  if (address !== "") headers["x-forwarded-for"] = before === undefined ? address : `${String(before)}, ${address}`;
  return headers;
}

function passedHeaders(
  answer: Pick<IncomingMessage, "headers">,
  keepLength: boolean,
): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && (!HOP.has(name) || (keepLength && name === "content-length"))) headers[name] = value;
  }
  return headers;
}

function unpack(body: Buffer, encoding: string, maxOutputLength: number): Buffer {
  try {
    if (encoding === "gzip") return gunzipSync(body, { maxOutputLength });
    if (encoding === "deflate") return inflateSync(body, { maxOutputLength });
  } catch {
    throw new HttpFault(502, "the registry's answer cannot be unpacked");
  }
  return body;
}
