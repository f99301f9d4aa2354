/** Clients of an xDS server over gRPC, played by hand. */
import { type ChannelOptions, Client, type ClientDuplexStream, credentials, Metadata } from "@grpc/grpc-js";
import type { DeltaRequest, SotwRequest, XdsRequest, XdsResponse } from "../../src/codecs/xds/discovery.ts";
import { decodeResponse, encodeRequest, type Variant } from "../../src/codecs/xds/discovery-bytes.ts";
import { eventually } from "./process.ts";
import { NODE, TYPES } from "./xds-playbook.ts";

const same = (bytes: Buffer): Buffer => bytes;

/** Path of the method for a type; `ADS` is all types. */
export function methodPath(variant: Variant, type: string): string {
  const services: Readonly<Record<string, string>> = {
    ADS: "discovery.v3.AggregatedDiscoveryService/*AggregatedResources",
    CDS: "cluster.v3.ClusterDiscoveryService/*Clusters",
    EDS: "endpoint.v3.EndpointDiscoveryService/*Endpoints",
    LDS: "listener.v3.ListenerDiscoveryService/*Listeners",
    RDS: "route.v3.RouteDiscoveryService/*Routes",
    SDS: "secret.v3.SecretDiscoveryService/*Secrets",
  };
  return `/envoy.service.${services[type]!.replace("*", variant === "sotw" ? "Stream" : "Delta")}`;
}

/** One stream. Responses wait in `responses` until they are taken. */
export class XdsStream {
  readonly call: ClientDuplexStream<Buffer, Buffer>;
  readonly responses: XdsResponse[] = [];
  /** How the stream ended. */
  ended: { readonly code: number; readonly details: string } | undefined;
  readonly variant: Variant;
  #hasNode = false;

  constructor(client: Client, variant: Variant, path: string) {
    this.variant = variant;
    this.call = client.makeBidiStreamRequest(path, same, same, new Metadata());
    this.call.on("data", (bytes: Buffer) => this.responses.push(decodeResponse(variant, bytes)));
    this.call.on("error", () => {});
    this.call.on("status", ({ code, details }) => {
      this.ended = { code, details };
    });
  }

  send(typeUrl: string, parts: Partial<Omit<DeltaRequest, "variant"> & Omit<SotwRequest, "variant">> = {}): void {
    const common = { typeUrl, nonce: "", ...(!this.#hasNode && { node: parts.node ?? NODE }) };
    this.#hasNode = true;
    const {
      nonce = "",
      error,
      names = [],
      version = "",
      subscribe = [],
      unsubscribe = [],
      initialVersions = {},
    } = parts;
    const more = { ...common, nonce, ...(error !== undefined && { error }) };
    const request: XdsRequest =
      this.variant === "sotw"
        ? { variant: "sotw", ...more, names, version }
        : { variant: "delta", ...more, subscribe, unsubscribe, initialVersions };
    this.call.write(Buffer.from(encodeRequest(request)));
  }

  /** The next response of a type, waited for. */
  async take(typeUrl: string): Promise<XdsResponse> {
    const isThere = () => this.responses.some((one) => one.typeUrl === typeUrl);
    const check = () => {
      if (!isThere() && this.ended !== undefined) throw new Error(`the stream ended: ${this.ended.details}`);
      return isThere();
    };
    await eventually(`a response of ${typeUrl}`, check, 20_000, 2);
    return this.responses.splice(
      this.responses.findIndex((one) => one.typeUrl === typeUrl),
      1,
    )[0]!;
  }
}

/** Opens a channel without TLS. */
export function openChannel(address: string, options: ChannelOptions = {}): Client {
  return new Client(address, credentials.createInsecure(), { "grpc.max_receive_message_length": -1, ...options });
}

/** A client that keeps to the protocol, by any of the four kinds of stream; it accepts every response at once. */
export class PoliteClient {
  readonly #variant: Variant;
  readonly #aggregated: boolean;
  readonly #client: Client;
  readonly #streams = new Map<string, XdsStream>();
  /** Of state-of-the-world streams, what was asked for and the last response. */
  readonly #names = new Map<string, readonly string[]>();
  readonly #nonces = new Map<string, XdsResponse>();

  constructor(address: string, variant: Variant, aggregated: boolean) {
    this.#client = openChannel(address);
    this.#variant = variant;
    this.#aggregated = aggregated;
  }

  stream(type: string): XdsStream {
    const key = this.#aggregated ? "ADS" : type;
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      stream = new XdsStream(this.#client, this.#variant, methodPath(this.#variant, key));
      this.#streams.set(key, stream);
    }
    return stream;
  }

  /** Asks for these names and no others; on a delta stream, for these too. */
  subscribe(type: string, names: readonly string[]): void {
    this.#names.set(type, names);
    const last = this.#nonces.get(type);
    this.stream(type).send(TYPES[type]!, { names, subscribe: names, ...(this.#variant === "sotw" && answerTo(last)) });
  }

  /** Asks for these names no more. */
  unsubscribe(type: string, names: readonly string[]): void {
    const left = (this.#names.get(type) ?? []).filter((name) => !names.includes(name));
    if (this.#variant === "sotw") this.subscribe(type, left);
    else this.stream(type).send(TYPES[type]!, { unsubscribe: names });
    this.#names.set(type, left);
  }

  /** The next response of a type, accepted: `a1 b2 -c`. State-of-the-world responses have no versions of resources. */
  async next(type: string): Promise<string> {
    const response = await this.stream(type).take(TYPES[type]!);
    this.#nonces.set(type, response);
    this.stream(type).send(TYPES[type]!, { ...answerTo(response), names: this.#names.get(type) ?? [] });
    const { resources, removed } = response;
    return [...resources.map(({ name, version }) => name + version), ...removed.map((name) => `-${name}`)]
      .sort()
      .join(" ");
  }

  /** Version and nonce of the last response. */
  last(type: string): XdsResponse {
    return this.#nonces.get(type)!;
  }

  /** How many responses have come that nobody took. */
  get waiting(): number {
    return [...this.#streams.values()].reduce((sum, { responses }) => sum + responses.length, 0);
  }

  close(): void {
    for (const { call } of this.#streams.values()) call.cancel();
    this.#client.close();
  }
}

function answerTo(response: XdsResponse | undefined): { readonly nonce: string; readonly version: string } {
  return { nonce: response?.nonce ?? "", version: response?.version ?? "" };
}
