import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { createGunzip } from "node:zlib";
import { TransientError } from "../../../base/errors.ts";

/** A server's address. */
export interface EurekaServer {
  readonly host: string;
  readonly port: number;
}

/** An answer, its body decompressed. */
export interface EurekaReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Asks Eureka servers for documents. */
export interface EurekaLink {
  /** GETs a path. Throws `TransientError` where no whole answer comes in time, or it is over its limit. */
  get(server: EurekaServer, path: string, headers?: Readonly<Record<string, string>>): Promise<EurekaReply>;
  /** Closes its connections; what is asked at that moment fails. */
  close(): void;
}

/** Bounds of a {@link EurekaLink}. */
export interface EurekaLinkOptions {
  /** How long a server may take before and between parts of an answer, ms; 10 s unless told. A whole one may take six times as long. */
  readonly timeoutMs?: number;
  /** How long it may take to accept a connection, ms; 3 s unless told. */
  readonly connectTimeoutMs?: number;
  /** Largest answer, decompressed, bytes; 256 MiB unless told: 100,000 instances are about 100 MB. */
  readonly maxBodyBytes?: number;
}

/** How many times `timeoutMs` a whole answer may take. */
const MAX_SPANS = 6;

/** A link over HTTP with connections kept open. */
export function createEurekaLink(options: EurekaLinkOptions = {}): EurekaLink {
  const { timeoutMs = 10_000, connectTimeoutMs = 3_000, maxBodyBytes = 256 * 1024 * 1024 } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: 16, maxFreeSockets: 4, timeout: 60_000 });
  return {
    get: ({ host, port }, path, headers = {}) =>
      new Promise((resolve, reject) => {
        const fail = (reason: string) => {
          clearTimeout(timer);
          clearTimeout(connecting);
          asked.destroy();
          reject(new TransientError(`eureka server ${host}:${port}: ${reason}`));
        };
        const asked = request({
          ...{ host, port, path, agent, method: "GET" },
          headers: { "accept-encoding": "gzip", ...headers },
        });
        let spans = 0;
        let readBytes = 0;
        // A list of 100,000 instances takes a busy server longer than a black hole is waited for.
        const onTime = () => {
          const now = asked.socket?.bytesRead ?? 0;
          if (now === readBytes) return fail(`no answer, or no more of it, within ${timeoutMs} ms`);
          if (++spans === MAX_SPANS) return fail(`no whole answer within ${MAX_SPANS * timeoutMs} ms`);
          readBytes = now;
          timer = setTimeout(onTime, timeoutMs);
        };
        let timer = setTimeout(onTime, timeoutMs);
        const connecting = setTimeout(() => fail(`no connection within ${connectTimeoutMs} ms`), connectTimeoutMs);
        asked.on("socket", (socket) => {
          readBytes = socket.bytesRead;
          if (socket.connecting) socket.once("connect", () => clearTimeout(connecting));
          else clearTimeout(connecting);
        });
        asked.on("error", (error) => fail(error.message));
        asked.on("response", (answer) => {
          readBody(answer, maxBodyBytes)
            .then((body) => {
              clearTimeout(timer);
              clearTimeout(connecting);
              resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body });
            })
            .catch((error: Error) => fail(error.message));
        });
        asked.end();
      }),
    close: () => agent.destroy(),
  };
}

/** The whole body of an answer, decompressed, of at most so many bytes; rejects where it is cut off. */
export async function readBody(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const encoding = (answer.headers["content-encoding"] ?? "identity").toLowerCase();
  if (encoding !== "identity" && encoding !== "gzip" && encoding !== "x-gzip")
    throw new Error(`answer is in encoding ${encoding.slice(0, 40)}; only gzip is read`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const take = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`answer is over maxBodyBytes ${maxBytes}`);
    chunks.push(chunk);
  };
  if (encoding === "identity") {
    for await (const chunk of answer) take(chunk as Buffer);
  } else {
    const plain = createGunzip();
    answer.on("error", (error) => plain.destroy(error));
    answer.on("aborted", () => plain.destroy(new Error("answer was cut off")));
    answer.pipe(plain);
    try {
      for await (const chunk of plain) take(chunk as Buffer);
    } finally {
      answer.destroy();
    }
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
