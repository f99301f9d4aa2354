import type { Clock, Timer } from "../../../base/clock.ts";
import { ProtocolError, TransientError } from "../../../base/errors.ts";
import { parseLogin } from "../../../codecs/nacos/config.ts";

/** One request to a Nacos. */
export interface NacosRequest {
  readonly method: "GET" | "POST";
  /** Below the context path: `/v1/cs/configs`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  /** What is kept of the answer; the rest is not read. */
  readonly maxBytes: number;
  /** Answers to take beside 200. */
  readonly statuses?: readonly number[];
}

/** What a Nacos answered. */
export interface NacosAnswer {
  readonly status: number;
  readonly headers: Pick<Headers, "get">;
  /** At most `maxBytes` of it. */
  readonly body: Buffer;
}

/** Speaks HTTP to one of several servers of a Nacos. */
export interface NacosHttp {
  /** Asks the server that answered last, else the next one. Rejects with `TransientError`, also where the signal comes. */
  request(request: NacosRequest, signal: AbortSignal): Promise<NacosAnswer>;
  /** The token of who is logged in, got anew in time; undefined without a user. Rejects with `TransientError`. */
  token(signal: AbortSignal): Promise<string | undefined>;
  /** A server denied the token: the next one is got anew. */
  forgetToken(): void;
}

/** Which Nacos, and as whom. */
export interface NacosHttpOptions {
  /** `host:port` of its servers. */
  readonly hosts: readonly string[];
  /** `/nacos`, where it is not told otherwise; empty for none. */
  readonly contextPath: string;
  /** Without a user nobody logs in. */
  readonly username: string;
  readonly password: string;
  readonly clock: Clock;
  readonly fetch?: typeof fetch;
}

/** All that logging in may take, ms. */
const LOGIN_TIMEOUT_MS = 5_000;
const MAX_LOGIN_BYTES = 64 * 1024;
/** A token is got anew when this part of its time is over. */
const TOKEN_SHARE = 0.8;

/** Creates it; nothing is asked before the first request. */
export function createNacosHttp(options: NacosHttpOptions): NacosHttp {
  return new Http(options);
}

class Http implements NacosHttp {
  readonly #options: NacosHttpOptions;
  #server = 0;
  #token: { readonly text: string; readonly untilMs: number } | undefined;
  #login: Promise<string> | undefined;

  constructor(options: NacosHttpOptions) {
    this.#options = options;
  }

  async request(request: NacosRequest, signal: AbortSignal): Promise<NacosAnswer> {
    const token = await this.token(signal);
    const headers = { ...request.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const at = this.#at;
    const answer = await this.#exchange({ ...request, headers }, signal);
    if (answer.status === 401 || answer.status === 403) {
      this.#token = undefined;
      const whom = this.#options.username === "" ? "without a user" : `user ${this.#options.username}`;
      throw new TransientError(`nacos at ${at} denies ${request.path} (${answer.status}) ${whom}`);
    }
    if (answer.status === 200 || request.statuses?.includes(answer.status) === true) return answer;
    throw this.#failed(at, `nacos at ${at} answered ${request.path} with status ${answer.status}`);
  }

  get #at(): string {
    return this.#options.hosts[this.#server % this.#options.hosts.length]!;
  }

  forgetToken(): void {
    this.#token = undefined;
  }

  async token(signal: AbortSignal): Promise<string | undefined> {
    const { username, clock } = this.#options;
    if (username === "") return undefined;
    if (this.#token !== undefined && clock.now() < this.#token.untilMs) return this.#token.text;
    this.#login ??= this.#logIn(signal).finally(() => {
      this.#login = undefined;
    });
    return this.#login;
  }

  async #logIn(signal: AbortSignal): Promise<string> {
    const { username, password, clock } = this.#options;
    const form = { username, password };
    const at = this.#at;
    const limits = { timeoutMs: LOGIN_TIMEOUT_MS, maxBytes: MAX_LOGIN_BYTES };
    const { status, body } = await this.#exchange({ method: "POST", path: "/v1/auth/login", form, ...limits }, signal);
    if (status === 401 || status === 403)
      throw new TransientError(`nacos at ${at} refuses the password of user ${username} (${status})`);
    if (status !== 200) throw this.#failed(at, `nacos at ${at} answered the login with status ${status}`);
    try {
      const { token, ttlMs } = parseLogin(body.toString());
      this.#token = { text: token, untilMs: clock.now() + ttlMs * TOKEN_SHARE };
      return token;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw this.#failed(at, `${error.message} (${at})`);
    }
  }

  /** The next one is asked from now on; of several requests that failed at one server the first makes it so. */
  #failed(at: string, message: string): TransientError {
    if (at === this.#at) this.#server = (this.#server + 1) % this.#options.hosts.length;
    return new TransientError(message);
  }

  async #exchange(request: NacosRequest, signal: AbortSignal): Promise<NacosAnswer> {
    const { contextPath, clock, fetch: ask = fetch } = this.#options;
    const { method, path, query, form, headers, timeoutMs, maxBytes } = request;
    const ending = new AbortController();
    let timer: Timer | undefined;
    let why = "";
    const end = (reason: string) => {
      why ||= reason;
      ending.abort();
    };
    const onAbort = () => end("the request was given up");
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    timer = clock.after(timeoutMs, () => end(`no answer within ${timeoutMs} ms`));
    const at = this.#at;
    try {
      const search = query === undefined ? "" : `?${new URLSearchParams(query)}`;
      const response = await ask(`http://${at}${contextPath}${path}${search}`, {
        method,
        redirect: "manual",
        signal: ending.signal,
        headers: { ...headers },
        ...(form && { body: new URLSearchParams(form) }),
      });
      return { status: response.status, headers: response.headers, body: await readBody(response, maxBytes) };
    } catch (error) {
      if (signal.aborted) throw new TransientError(why);
      throw this.#failed(at, `nacos at ${at}: ${why || reasonOf(error)}`);
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
    }
  }
}

async function readBody({ body }: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of body ?? []) {
    chunks.push((chunk as Uint8Array).subarray(0, maxBytes - bytes));
    bytes += (chunk as Uint8Array).length;
    if (bytes >= maxBytes) break;
  }
  return Buffer.concat(chunks);
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { readonly cause?: NodeJS.ErrnoException };
  // Node's own client trips over some answers that close the connection.
  if (cause?.code === "ERR_ASSERTION") return "the answer could not be read";
  return cause?.code ?? cause?.message ?? message;
}
