import { printAddress } from "../../../base/address.ts";
import type { Clock, Timer } from "../../../base/clock.ts";
import { ProtocolError, TransientError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import { pause } from "../../../base/pause.ts";
import { type NacosBody, parseBody, utf8Of } from "../../../codecs/nacos/body.ts";
import {
  acknowledgement,
  connectionSetup,
  encodeMessage,
  type NacosMessage,
  NO_RIGHT,
  readReset,
  readResult,
  readServerCheck,
  request,
  UN_REGISTER,
} from "../../../codecs/nacos/messages.ts";
import { decodePayload, type NacosPayload } from "../../../codecs/nacos/payload.ts";
import type { ServerAddress } from "../zookeeper/address.ts";
import { MAX_MESSAGE_BYTES, type NacosTransport, type OpenTransport } from "./transport.ts";

/** A session's settings. */
export interface NacosSessionOptions {
  /** Main ports of the servers (8848); gRPC is 1,000 above. */
  readonly servers: readonly ServerAddress[];
  /** What setup says of the client. */
  readonly labels: Readonly<Record<string, string>>;
  /** The token of who is logged in; undefined without a user. Rejects with `TransientError`. */
  readonly token: (signal: AbortSignal) => Promise<string | undefined>;
  /** The server denied a request: the token may be bad. */
  readonly onDenied: () => void;
  readonly openTransport: OpenTransport;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told each time a connection stands and requests may be made on it; what was subscribed before is not any more. */
  readonly onReady: (connection: NacosConnection) => void;
  /** Told when the connection that stood is lost. */
  readonly onLost: (reason: string) => void;
  /** Told of every push that is not about the connection itself; it is acknowledged already. */
  readonly onPush: (message: NacosMessage) => void;
  /** Told of every push that cannot be read, by its type: it may have been about anything of that. */
  readonly onDoubt?: (type: string) => void;
  /** Told each time no server could be reached, one after the other; with the last one's reason. */
  readonly onUnreachable: (reason: string) => void;
}

/** One connection that stands. */
export interface NacosConnection {
  /** `host:port` of the server's main port. */
  readonly server: string;
  readonly isOpen: boolean;
  /** Rejects with `TransientError` when the connection is lost, the answer late or a refusal. */
  request(message: NacosMessage, timeoutMs?: number): Promise<NacosBody>;
}

/** How much above the main port gRPC listens. */
export const GRPC_OFFSET = 1_000;
const CHECK_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 5_000;
/** An idle connection is asked this often whether it lives, ms; as Java's clients. */
const HEALTH_MS = 5_000;
/** A server that will negotiate sends its part within this time, ms; Java's clients give up after as long. */
const SETUP_ACK_MS = 5_000;
/** A server that does not negotiate has taken the setup by then, ms; there is no answer to wait for. */
const SETUP_QUIET_MS = 50;
/** What the transport takes is looked at. */
const LIMITS = { maxBodyBytes: MAX_MESSAGE_BYTES };
/** So long after its setup a server may not know the connection yet, and so often it is asked again, ms. */
const SETTLING_MS = 3_000;
const SETUP_AGAIN_MS = 100;
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 3_000;
/** A connection that stands for less long counts as brief, ms. */
const BRIEF_MS = 5_000;
/** Brief connections in a row after which the next one is waited for: each costs the server all that is subscribed to. */
const BRIEF_AT_ONCE = 2;

/** Keeps one connection to one of the servers, until the signal; never rejects because none is in reach. */
export async function runNacosSession(options: NacosSessionOptions, signal: AbortSignal): Promise<void> {
  const { servers, clock, log, onUnreachable } = options;
  let next = 0;
  let told = "";
  let tried = 0;
  let pauseMs = FIRST_PAUSE_MS;
  let brief = 0;
  let following: ServerAddress | undefined;
  while (!signal.aborted) {
    const server = following ?? servers[next % servers.length]!;
    const isFollowing = following !== undefined;
    following = undefined;
    const connection = new Connection(server, options);
    const startMs = clock.now();
    const ended = await connection.run(signal);
    if (signal.aborted) return;
    if (ended.stood) {
      tried = 0;
      pauseMs = FIRST_PAUSE_MS;
      told = "";
      following = ended.leadsTo;
      // The same server first where it asked for it: it may only have dropped the connection.
      if (!ended.isReset) next++;
      log.info("nacos connection ended", { server: connection.server, reason: ended.reason });
      brief = clock.now() - startMs < BRIEF_MS ? brief + 1 : 0;
      if (brief > BRIEF_AT_ONCE)
        await pause(clock, Math.min(FIRST_PAUSE_MS * 2 ** (brief - BRIEF_AT_ONCE), MAX_PAUSE_MS), signal);
      continue;
    }
    // Where a reset led to may be out of reach: then it is the list's turn.
    if (isFollowing) continue;
    next++;
    tried++;
    if (told !== ended.reason)
      log.warn("nacos server is out of reach", { server: connection.server, reason: ended.reason });
    told = ended.reason;
    if (tried < servers.length) continue;
    tried = 0;
    onUnreachable(ended.reason);
    await pause(clock, pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
  }
}

interface Ended {
  /** It had been set up. */
  readonly stood: boolean;
  readonly reason: string;
  readonly isReset: boolean;
  readonly leadsTo: ServerAddress | undefined;
}

class Connection implements NacosConnection {
  readonly server: string;
  isOpen = false;
  readonly #options: NacosSessionOptions;
  readonly #target: ServerAddress;
  #transport: NacosTransport | undefined;
  readonly #ended: Promise<void>;
  #end!: () => void;
  #reason = "";
  #isReset = false;
  #leadsTo: ServerAddress | undefined;
  #onSetupAck: (() => void) | undefined;
  #health: Timer | undefined;
  #isBusy = false;
  /** Until then the server may not know the connection. */
  #settledMs = 0;
  /** Why the last push that could not be read could not. */
  #doubted = "";

  constructor(server: ServerAddress, options: NacosSessionOptions) {
    const { host, port } = server;
    this.server = printAddress(host, port);
    this.#options = options;
    this.#target = { host, port: port + GRPC_OFFSET };
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Until it is lost; resolves with how. */
  async run(signal: AbortSignal): Promise<Ended> {
    const onAbort = () => this.#lose("closed");
    signal.addEventListener("abort", onAbort, { once: true });
    let stood = false;
    try {
      await Promise.race([this.#setUp(), this.#ended]);
      if (this.#reason === "" && !signal.aborted) {
        stood = true;
        this.isOpen = true;
        this.#options.onReady(this);
        this.#keepAlive();
        await this.#ended;
        this.#options.onLost(this.#reason);
      }
    } catch (error) {
      this.#lose((error as Error).message);
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.isOpen = false;
      this.#health?.cancel();
      this.#transport?.close();
    }
    return { stood, reason: this.#reason, isReset: this.#isReset, leadsTo: this.#leadsTo };
  }

  async request(message: NacosMessage, timeoutMs = REQUEST_TIMEOUT_MS): Promise<NacosBody> {
    const ending = new AbortController();
    const token = await this.#options.token(ending.signal);
    const headers: [string, string][] = [["app", "trestle"]];
    if (token !== undefined) headers.push(["accessToken", token]);
    let body = await this.#ask(message, timeoutMs, headers);
    let result = readResult(body);
    // The stream's first message may still be on its way through a server that acknowledges none.
    while (result.errorCode === UN_REGISTER && this.#options.clock.now() < this.#settledMs && this.isOpen) {
      await pause(this.#options.clock, SETUP_AGAIN_MS, ending.signal);
      body = await this.#ask(message, timeoutMs, headers);
      result = readResult(body);
    }
    if (!result.isOk) {
      if (result.errorCode === NO_RIGHT) this.#options.onDenied();
      if (result.errorCode === UN_REGISTER) this.#lose(`the server does not know the connection: ${result.message}`);
      // A configuration that is not there is an answer.
      if (message.type !== "ConfigQueryRequest" || result.errorCode === NO_RIGHT) {
        const why = result.message === "" ? `error ${result.errorCode}` : result.message;
        throw new TransientError(`nacos at ${this.server} refuses ${message.type}: ${why.slice(0, 200)}`);
      }
    }
    return body;
  }

  async #setUp(): Promise<void> {
    const { clock, labels, openTransport } = this.#options;
    const transport = await openTransport(this.#target);
    // It was given up meanwhile.
    if (this.#reason !== "") return transport.close();
    this.#transport = transport;
    const check = readServerCheck(await this.#ask(request("ServerCheckRequest", "internal"), CHECK_TIMEOUT_MS));
    if (check.connectionId === "") throw new TransientError(`nacos at ${this.server} has not started yet`);
    const acked = new Promise<void>((resolve) => {
      this.#onSetupAck = resolve;
    });
    transport.open(
      (bytes) => this.#receive(bytes),
      (reason) => this.#lose(reason),
    );
    this.#send(connectionSetup({ clientVersion: "Nacos-Java-Client:v2.4.3", tenant: "", labels }));
    const ending = new AbortController();
    const waited = pause(clock, check.negotiates ? SETUP_ACK_MS : SETUP_QUIET_MS, ending.signal).then(() => {
      if (check.negotiates && !ending.signal.aborted) this.#lose(`no setup acknowledgement within ${SETUP_ACK_MS} ms`);
    });
    await Promise.race([acked, waited]);
    if (!check.negotiates) this.#settledMs = clock.now() + SETTLING_MS;
    ending.abort();
  }

  async #ask(message: NacosMessage, timeoutMs: number, headers: [string, string][] = []): Promise<NacosBody> {
    let answer: Buffer;
    try {
      answer = await this.#transport!.unary(encodeMessage(message, headers), timeoutMs);
    } catch (error) {
      throw new TransientError(`nacos at ${this.server}: ${(error as Error).message}`);
    }
    this.#isBusy = true;
    try {
      const { type, body } = decodePayload(answer, LIMITS);
      if (!type.endsWith("Response")) throw new ProtocolError("nacos", `${type} is no answer`);
      return parseBody(utf8Of(body));
    } catch (error) {
      throw new TransientError(
        `nacos at ${this.server} answers ${message.type} unreadably: ${(error as Error).message}`,
      );
    }
  }

  #receive(bytes: Buffer): void {
    let payload: NacosPayload;
    try {
      payload = decodePayload(bytes, LIMITS);
    } catch (error) {
      this.#lose(`a push that is unreadable: ${(error as Error).message}`);
      return;
    }
    let push: NacosMessage;
    try {
      push = { type: payload.type, body: parseBody(utf8Of(payload.body)) };
    } catch (error) {
      this.#doubt((error as Error).message, payload);
      return;
    }
    if (!push.type.endsWith("Request")) return;
    if (push.type === "SetupAckRequest") {
      this.#onSetupAck?.();
      return;
    }
    this.#isBusy = true;
    this.#send(acknowledgement(push));
    if (push.type === "ConnectResetRequest") {
      this.#isReset = true;
      const leadsTo = readReset(push.body);
      const colon = leadsTo?.lastIndexOf(":") ?? -1;
      if (leadsTo !== undefined)
        this.#leadsTo = { host: leadsTo.slice(0, colon), port: Number(leadsTo.slice(colon + 1)) };
      this.#lose("the server asks for another connection");
      return;
    }
    if (push.type !== "ClientDetectionRequest") this.#options.onPush(push);
  }

  /**
   * A push that cannot be read takes nothing with it but what it was about, which nobody knows: all is to be asked for again. It is
   * acknowledged where that can be done, so that the server does not send it again and again.
   */
  #doubt(reason: string, { type, body }: NacosPayload): void {
    const { log, onDoubt } = this.#options;
    if (this.#doubted !== reason) log.warn("nacos pushes what cannot be read", { server: this.server, type, reason });
    this.#doubted = reason;
    this.#isBusy = true;
    const requestId = /"requestId"\s*:\s*"([\w.:-]{1,64})"/.exec(Buffer.from(body).toString("latin1"))?.[1];
    if (requestId !== undefined) this.#send(acknowledgement({ type, body: { requestId } }));
    onDoubt?.(type);
  }

  /** A connection on which nothing was heard for a while is asked whether it lives: a black hole says nothing. */
  #keepAlive(): void {
    this.#health = this.#options.clock.after(HEALTH_MS, () => {
      if (!this.isOpen) return;
      if (this.#isBusy) {
        this.#isBusy = false;
        this.#keepAlive();
        return;
      }
      this.#ask(request("HealthCheckRequest", "internal"), CHECK_TIMEOUT_MS).then(
        (body) => {
          const result = readResult(body);
          if (result.isOk) this.#keepAlive();
          else this.#lose(`health check: ${result.message || result.errorCode}`);
        },
        (error: Error) => this.#lose(error.message),
      );
    });
  }

  #send(message: NacosMessage): void {
    this.#transport?.send(encodeMessage(message));
  }

  #lose(reason: string): void {
    if (this.#reason !== "") return;
    this.#reason = reason;
    this.isOpen = false;
    this.#end();
  }
}
