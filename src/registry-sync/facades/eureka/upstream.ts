import { Agent, type IncomingMessage, request } from "node:http";
import type { Clock } from "../../../base/clock.ts";
import { TransientError } from "../../../base/errors.ts";
import { framedHeaders, type PassedRequest } from "./headers.ts";

/** Bounds of {@link EurekaUpstream}. */
export interface UpstreamOptions {
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  /** How long one server may take to accept a connection, ms. */
  readonly connectTimeoutMs: number;
  /** How long one may take to begin its answer, ms. */
  readonly timeoutMs: number;
  /** How long all that are asked for one request may take together, ms: below what clients wait. */
  readonly budgetMs: number;
  readonly clock: Clock;
}

/** Less time than this is given to no server, ms. */
const LEAST_MS = 500;

/** The real servers behind a facade: the one that answered last is asked first, the next where it cannot be reached. */
export class EurekaUpstream {
  readonly #options: UpstreamOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 32, timeout: 60_000 });
  #current = 0;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  /** Passes a request on; its answer's body is still to be read. Throws `TransientError` when no server answers in time. */
  async pass(passed: PassedRequest): Promise<IncomingMessage> {
    const { servers, clock, timeoutMs, budgetMs } = this.#options;
    const reasons: string[] = [];
    const untilMs = clock.now() + budgetMs;
    const isGivenUp = () => passed.signal?.aborted === true;
    for (let tries = 0; tries < servers.length && !isGivenUp(); tries++) {
      const leftMs = Math.min(timeoutMs, untilMs - clock.now());
      if (tries > 0 && leftMs < LEAST_MS) break;
      const at = this.#current;
      const { host, port } = servers[at]!;
      try {
        return await this.#ask(host, port, passed, leftMs);
      } catch (error) {
        if (isGivenUp()) break;
        reasons.push(`${host}:${port}: ${(error as Error).message}`);
        if (this.#current === at) this.#current = (at + 1) % servers.length;
      }
    }
    if (isGivenUp()) throw new TransientError("the request to eureka was given up");
    throw new TransientError(`no eureka server answers: ${reasons.join("; ")}`);
  }

  /** Closes its connections; requests under way fail. */
  close(): void {
    this.#agent.destroy();
  }

  #ask(host: string, port: number, passed: PassedRequest, timeoutMs: number): Promise<IncomingMessage> {
    const { clock } = this.#options;
    const connectTimeoutMs = Math.min(this.#options.connectTimeoutMs, timeoutMs);
    const { method, path, body, signal } = passed;
    return new Promise((resolve, reject) => {
      const asked = request({
        host,
        port,
        method,
        path,
        agent: this.#agent,
        headers: framedHeaders(passed),
        ...(signal && { signal }),
      });
      const untilMs = clock.now() + timeoutMs;
      // What happens to the connection after its answer began, or it was given up, sends nothing anew.
      let isOver = false;
      const end = (reason: string) => {
        clear();
        asked.destroy();
        reject(new Error(reason));
      };
      const connecting = clock.after(connectTimeoutMs, () => end(`no connection within ${connectTimeoutMs} ms`));
      const answering = clock.after(timeoutMs, () => end(`no answer within ${timeoutMs} ms`));
      const clear = () => {
        isOver = true;
        connecting.cancel();
        answering.cancel();
      };
      asked.on("socket", (socket) => {
        if (socket.connecting) socket.once("connect", () => connecting.cancel());
        else connecting.cancel();
      });
      asked.on("error", (error) => {
        if (isOver) return;
        // The server closed a connection that was kept open as this request was sent on it: it has not read it. Calls of Eureka can be repeated.
        const leftMs = untilMs - clock.now();
        const isStale = asked.reusedSocket && CLOSED.has((error as NodeJS.ErrnoException).code ?? "");
        if (!isStale || leftMs <= 0) return end(error.message);
        clear();
        this.#ask(host, port, passed, leftMs).then(resolve, reject);
      });
      asked.on("response", (answer) => {
        clear();
        const stillMs = this.#options.timeoutMs;
        answer.setTimeout(stillMs, () => answer.destroy(new Error(`answer stood still for ${stillMs} ms`)));
        resolve(answer);
      });
      asked.end(body);
    });
  }
}

/** What a write to a connection fails with that the other side has closed. */
const CLOSED: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE"]);
