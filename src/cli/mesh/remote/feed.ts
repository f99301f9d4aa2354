import type { Client, ClientDuplexStream } from "@grpc/grpc-js";
import type { Clock, Timer } from "../../../base/clock.ts";
import { Latest } from "../../../base/latest.ts";
import type { Logger } from "../../../base/log.ts";
import { ClientStream } from "../../../codecs/xds/client-stream.ts";
import type { DeltaRequest, NodeText, XdsResponse } from "../../../codecs/xds/discovery.ts";
import { decodeResponse, encodeRequest } from "../../../codecs/xds/discovery-bytes.ts";
import { LISTENER_TYPE, type ResourceSet, SECRET_TYPE } from "../../../codecs/xds/resources.ts";
import { ROOTS_SECRET, type Secret } from "../../../codecs/xds/secret.ts";
import { secretsAsked } from "../../../control/compile/gateway-tls.ts";
import type { KeysFound } from "../../../model/keys-found.ts";
import type { ControlChannel } from "./agent.ts";
import { HELD_TYPES, HeldResources, WHOLE_TYPES } from "./held.ts";
import { askKeys } from "./key-client.ts";
import type { StateFile } from "./state-file.ts";

const METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
/** Largest message that control may send, bytes. */
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;
/** Control that says nothing to a ping for so long is gone, ms. */
const PING_MS = 20_000;
const PING_TIMEOUT_MS = 10_000;
const FIRST_BACKOFF_MS = 500;
const LAST_BACKOFF_MS = 30_000;
/** Responses that come within this time are taken into force at once, ms: one change is several of them. */
const SETTLE_MS = 20;
/** What was given is written this long after a change at the earliest, ms. */
const SAVE_MS = 1_000;

/** What a feed needs. */
export interface FeedOptions {
  /** `host:port` of the control servers; the next one is asked where one is out of reach. */
  readonly servers: readonly string[];
  readonly node: NodeText;
  /** How a server is reached; without TLS unless told. Rejects while that can't be. */
  readonly channel?: () => Promise<ControlChannel>;
  /** Takes the roots that peers are held against; asked for where this is there. */
  readonly onRoots?: (secret: Secret) => void;
  /** Keeps what was given over a restart; undefined for nowhere. */
  readonly state?: StateFile;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1). */
  readonly random: () => number;
}

/** How a feed stands. */
export interface FeedStatus {
  /** The server that it is connected to; `""` for none. */
  readonly server: string;
  readonly connected: boolean;
  /** What is in force was kept from before the start. */
  readonly restored: boolean;
  readonly failures: number;
  readonly lastError: string;
}

/**
 * What control servers give a proxy, over one delta stream for all types. Whatever happens to the stream, what was given last stays: a
 * new stream, to the same server or another, begins with the versions of it and brings only what changed meanwhile.
 */
export class ControlFeed {
  /** What was given last; undefined before the first time. */
  readonly current = new Latest<ResourceSet | undefined>(undefined);
  readonly #options: FeedOptions;
  readonly #stream: ClientStream;
  #held = new HeldResources();
  #next = 0;
  #failures = 0;
  #lastError = "";
  #server = "";
  #restored = false;
  #complete = false;
  /** Of all streams so far. */
  #responses = 0;
  /** Types that were answered since the start. */
  readonly #seen = new Set<string>();
  /** While the stream is open. */
  #client: Client | undefined;
  #publishing: Timer | undefined;
  #saving: Timer | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#stream = new ClientStream(options.node);
    for (const type of WHOLE_TYPES) this.#stream.subscribe(type, ["*"]);
    if (options.onRoots !== undefined) this.#stream.subscribe(SECRET_TYPE, [ROOTS_SECRET]);
  }

  get status(): FeedStatus {
    const { servers } = this.#options;
    return {
      server: this.#server,
      connected: this.#server !== "",
      restored: this.#restored && !this.#complete,
      failures: this.#failures,
      lastError: this.#lastError || (servers.length === 0 ? "no control server is configured" : ""),
    };
  }

  /** Begins with what was kept; then follows the servers until told to stop. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, random, servers, state } = this.#options;
    const kept = await state?.load();
    if (kept !== undefined && !signal.aborted) this.#restore(kept);
    let backoffMs = FIRST_BACKOFF_MS;
    while (!signal.aborted) {
      const server = servers[this.#next % servers.length]!;
      const before = this.#responses;
      const error = await this.#follow(server, signal);
      if (signal.aborted) break;
      this.#next++;
      this.#failures++;
      // Told once for each change of state.
      if (this.#lastError !== error)
        logger.warn("control is out of reach; what it gave last stays in force", { server, error });
      this.#lastError = error;
      if (this.#responses > before) backoffMs = FIRST_BACKOFF_MS;
      await pause(clock, backoffMs * (0.5 + random() / 2), signal);
      backoffMs = Math.min(LAST_BACKOFF_MS, backoffMs * 2);
    }
    this.#publishing?.cancel();
    this.#saving?.cancel();
    if (this.#complete) await state?.save(this.#held);
  }

  /** Has control ask an issuer for its keys, which come as resources; nobody can be asked while it is away. */
  async askKeys(issuer: string): Promise<KeysFound> {
    const client = this.#server === "" ? undefined : this.#client;
    if (client === undefined) return "failed";
    return askKeys(client, issuer);
  }

  #restore(kept: HeldResources): void {
    this.#held = kept;
    this.#restored = true;
    this.#askForSecrets();
    for (const type of HELD_TYPES) this.#stream.restore(type, kept.versions(type));
    this.current.set(kept.set);
    this.#options.logger.info("what control gave last is in force until it answers", { version: kept.set.version });
  }

  /** One stream to a server, until it ends; resolves to the reason. */
  async #follow(server: string, signal: AbortSignal): Promise<string> {
    // Loaded when it is first needed: that takes longer than most commands.
    const { Client, credentials } = await import("@grpc/grpc-js");
    let channel: ControlChannel;
    try {
      channel = (await this.#options.channel?.()) ?? { credentials: credentials.createInsecure(), options: {} };
    } catch (error) {
      return (error as Error).message;
    }
    const client = new Client(server, channel.credentials, {
      ...channel.options,
      "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
      "grpc.keepalive_time_ms": PING_MS,
      "grpc.keepalive_timeout_ms": PING_TIMEOUT_MS,
      "grpc.enable_retries": 0,
    });
    this.#client = client;
    const call = client.makeBidiStreamRequest(
      METHOD,
      (request: DeltaRequest) => Buffer.from(encodeRequest(request)),
      (bytes: Buffer) => decodeResponse("delta", bytes),
    );
    const leave = () => call.cancel();
    signal.addEventListener("abort", leave, { once: true });
    this.#stream.open();
    this.#send(call);
    return new Promise<string>((resolve) => {
      call.on("data", (response: XdsResponse) => {
        this.#opened(server);
        this.#responses++;
        try {
          this.#take(this.#stream.receive(response));
          this.#send(call);
        } catch (error) {
          resolve((error as Error).message);
          call.cancel();
        }
      });
      call.on("error", (error) => resolve(error.message));
      call.on("end", () => resolve("the stream was ended"));
    }).finally(() => {
      signal.removeEventListener("abort", leave);
      this.#server = "";
      this.#client = undefined;
      // What a cancelled call still says is nobody's.
      call.on("error", () => {});
      client.close();
    });
  }

  #opened(server: string): void {
    if (this.#server === server) return;
    this.#server = server;
    this.#lastError = "";
    this.#options.logger.info("control answers", { server });
  }

  #take(response: XdsResponse): void {
    const { typeUrl, resources } = response;
    const isRoots = ({ name }: { readonly name: string }) => typeUrl === SECRET_TYPE && name === ROOTS_SECRET;
    this.#held.apply({ ...response, resources: resources.filter((one) => !isRoots(one)) });
    for (const { resource } of resources.filter(isRoots)) this.#options.onRoots?.(resource as Secret);
    this.#stream.accept(response);
    if (typeUrl === LISTENER_TYPE) this.#askForSecrets();
    this.#seen.add(typeUrl);
    this.#complete ||= WHOLE_TYPES.every((type) => this.#seen.has(type));
    // A proxy that knows nothing yet waits for all types: calls would meet half a world.
    if (!this.#complete && !this.#restored) return;
    this.#publishing ??= this.#options.clock.after(SETTLE_MS, () => {
      this.#publishing = undefined;
      this.current.set(this.#held.set);
      this.#keep();
    });
  }

  /** The keys that gateways' listeners name now, and no other; they are given to clients with a certificate alone. */
  #askForSecrets(): void {
    if (this.#options.onRoots === undefined) return;
    const names = secretsAsked(this.#held.list(LISTENER_TYPE) as ResourceSet["listeners"]);
    const gone = [...this.#stream.names(SECRET_TYPE)].filter((name) => name !== ROOTS_SECRET && !names.has(name));
    this.#stream.unsubscribe(SECRET_TYPE, gone);
    this.#held.forget(SECRET_TYPE, gone);
    this.#stream.subscribe(SECRET_TYPE, [...names]);
  }

  #keep(): void {
    const { state, clock } = this.#options;
    if (state === undefined || !this.#complete) return;
    this.#saving ??= clock.after(SAVE_MS, () => {
      this.#saving = undefined;
      void state.save(this.#held);
    });
  }

  #send(call: ClientDuplexStream<DeltaRequest, XdsResponse>): void {
    for (let one = this.#stream.takeRequest(); one !== undefined; one = this.#stream.takeRequest()) call.write(one);
  }
}

/** Waits so long, or until the signal. */
function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.after(ms, end);
    signal.addEventListener("abort", end);
  });
}
