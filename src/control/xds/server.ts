/**
 * The xDS server: ADS and the services of one type each, state-of-the-world and delta, and CSDS, over gRPC.
 * Source: envoy/service/{discovery,listener,route,cluster,endpoint,secret,extension,runtime,status}/v3.
 */

import {
  type handleBidiStreamingCall,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type Clock, steadyClock } from "../../base/clock.ts";
import { type Logger, silentLogger } from "../../base/log.ts";
import type { Variant } from "../../codecs/xds/discovery-bytes.ts";
import { decodeMessage, encodeMessage } from "../../codecs/xds/resource-bytes.ts";
import {
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
  SECRET_TYPE,
  VIRTUAL_HOST_TYPE,
} from "../../codecs/xds/resources.ts";
import { xdsMessage } from "../../codecs/xds/types.ts";
import type { XdsClient, XdsPipe } from "./client.ts";
import { XdsClients, type XdsClientsOptions } from "./clients.ts";
import type { XdsSource } from "./contracts.ts";
import { createXdsMetrics } from "./metrics.ts";
import { askedNodes, clientStatuses, clientStatusResponse, type XdsClientStatus } from "./status.ts";

/** A gRPC service beside those of xDS on the same port. */
export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** What the server serves, and to whom. */
export interface XdsServerOptions
  extends Pick<XdsClientsOptions, "debounceMs" | "maxDelayMs" | "maxClients" | "maxOfAddress" | "answerMs"> {
  /** `host:port`; port 0 takes a free one. */
  readonly listen: string;
  readonly source: XdsSource;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Plain text unless told. */
  readonly credentials?: ServerCredentials;
  /** The SPIFFE identity that a certificate says; asked for connections with one. */
  readonly identityOf?: (certificate: Buffer) => string | undefined;
  readonly services?: readonly GrpcService[];
}

/** A running server. */
export interface XdsServer {
  /** Where it listens, `host:port`. */
  readonly address: string;
  /** The services of this port, to be served on another one too: one that proves who its clients are. */
  readonly services: readonly GrpcService[];
  /** What the source gives may have changed. */
  changed(): void;
  /** Its clients, by name of their nodes. */
  clients(): XdsClientStatus[];
  /** Its counts, as text for Prometheus. */
  exposeMetrics(): string;
  /** Ends all streams and closes the port. */
  close(): Promise<void>;
}

const PACKAGE = "envoy.service";
const EXTENSION_TYPE = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";
const RUNTIME_TYPE = "type.googleapis.com/envoy.service.runtime.v3.Runtime";

/** Services of streams: methods by kind, and the only type, where there is one. */
const SERVICES: readonly (readonly [string, string, string | undefined])[] = [
  ["discovery.v3.AggregatedDiscoveryService", "AggregatedResources", undefined],
  ["listener.v3.ListenerDiscoveryService", "Listeners", LISTENER_TYPE],
  ["route.v3.RouteDiscoveryService", "Routes", ROUTE_TYPE],
  ["route.v3.VirtualHostDiscoveryService", "VirtualHosts", VIRTUAL_HOST_TYPE],
  ["cluster.v3.ClusterDiscoveryService", "Clusters", CLUSTER_TYPE],
  ["endpoint.v3.EndpointDiscoveryService", "Endpoints", ENDPOINT_TYPE],
  ["secret.v3.SecretDiscoveryService", "Secrets", SECRET_TYPE],
  ["extension.v3.ExtensionConfigDiscoveryService", "ExtensionConfigs", EXTENSION_TYPE],
  ["runtime.v3.RuntimeDiscoveryService", "Runtime", RUNTIME_TYPE],
];

const STATUS_SERVICE = `${PACKAGE}.status.v3.ClientStatusDiscoveryService`;

/** Largest message that a client may send, bytes: gRPC's own default. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** How long a connection may be without a stream. */
const MAX_IDLE_MS = 300_000;

type Bytes = Buffer;
type Call = ServerDuplexStream<Bytes, Bytes>;

/** Opens the server; resolves once it listens. Rejects where the address cannot be had. */
export async function createXdsServer(options: XdsServerOptions): Promise<XdsServer> {
  const { source, clock = steadyClock, logger: log = silentLogger } = options;
  const metrics = createXdsMetrics();
  const clients = new XdsClients({ ...options, source, clock, log, metrics });
  const server = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": 100,
    // Clients that are gone without a word are noticed by this.
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 20_000,
    // Who has no stream needs no connection.
    "grpc.max_connection_idle_ms": MAX_IDLE_MS,
    "grpc.enable_channelz": 0,
  });
  const services = SERVICES.map(([name, methods, typeUrl]): GrpcService => {
    const both: readonly (readonly [string, Variant])[] = [
      [`Stream${methods}`, "sotw"],
      [`Delta${methods}`, "delta"],
    ];
    const definition: Record<string, MethodDefinition<Bytes, Bytes>> = {};
    const implementation: Record<string, handleBidiStreamingCall<Bytes, Bytes>> = {};
    for (const [method, variant] of both) {
      definition[method] = streamMethod(`/${PACKAGE}.${name}/${method}`);
      implementation[method] = (call) => serve(call, clients, variant, typeUrl, options.identityOf);
    }
    return { definition, implementation };
  });
  services.push(statusService(clients), ...(options.services ?? []));
  for (const one of services) server.addService(one.definition, one.implementation);
  const credentials = options.credentials ?? ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(options.listen, credentials, (error, bound) => (error === null ? resolve(bound) : reject(error))),
  );
  return {
    address: `${options.listen.slice(0, options.listen.lastIndexOf(":"))}:${port}`,
    services,
    changed: () => clients.changed(),
    clients: () => clientStatuses(clients.all),
    exposeMetrics: () => metrics.expose(),
    async close() {
      clients.close();
      server.forceShutdown();
    },
  };
}

function streamMethod(path: string): MethodDefinition<Bytes, Bytes> {
  const same = (bytes: Bytes): Bytes => bytes;
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

function serve(
  call: Call,
  clients: XdsClients,
  variant: Variant,
  typeUrl: string | undefined,
  identityOf: XdsServerOptions["identityOf"],
): void {
  const certificate = identityOf === undefined ? undefined : call.getAuthContext().sslPeerCertificate?.raw;
  const identity = certificate === undefined ? undefined : identityOf?.(certificate);
  let isOver = false;
  let client: XdsClient | undefined;
  const pipe: XdsPipe = {
    peer: call.getPeer(),
    ...(identity !== undefined && { identity }),
    write: (bytes) => isOver || call.write(bytes),
    end(code, message) {
      if (isOver) return;
      isOver = true;
      call.emit("error", { code, details: message });
      if (client !== undefined) clients.forget(client);
    },
  };
  // An error that nobody listens to would end the process.
  call.on("error", () => {});
  const opened = clients.open(variant, typeUrl, pipe);
  if (opened === undefined) return;
  client = opened;
  const over = () => {
    isOver = true;
    clients.forget(opened);
  };
  call.on("data", (bytes: Bytes) => opened.receive(bytes));
  call.on("drain", () => opened.drained());
  call.on("cancelled", over);
  call.on("close", over);
  call.on("end", () => {
    over();
    call.end();
  });
}

/** CSDS: what every client was given and what it said to that. */
function statusService(clients: XdsClients): GrpcService {
  const request = xdsMessage(`${PACKAGE}.status.v3.ClientStatusRequest`);
  const response = xdsMessage(`${PACKAGE}.status.v3.ClientStatusResponse`);
  const same = (bytes: Bytes): Bytes => bytes;
  const method = (name: string, isStream: boolean): MethodDefinition<Bytes, Bytes> => ({
    ...streamMethod(`/${STATUS_SERVICE}/${name}`),
    requestStream: isStream,
    responseStream: isStream,
    responseSerialize: same,
  });
  const answer = (bytes: Bytes): Bytes => {
    const isAsked = askedNodes(decodeMessage(request, bytes));
    return Buffer.from(encodeMessage(response, clientStatusResponse(clients.all, isAsked)));
  };
  const fault = (error: unknown) => ({ code: 3, details: (error as Error).message.slice(0, 300) });
  return {
    definition: {
      StreamClientStatus: method("StreamClientStatus", true),
      FetchClientStatus: method("FetchClientStatus", false),
    },
    implementation: {
      StreamClientStatus: ((call) => {
        call.on("error", () => {});
        call.on("end", () => call.end());
        call.on("data", (bytes: Bytes) => {
          try {
            call.write(answer(bytes));
          } catch (error) {
            call.emit("error", fault(error));
          }
        });
      }) as handleBidiStreamingCall<Bytes, Bytes>,
      FetchClientStatus: (call: { readonly request: Bytes }, done: (error: object | null, bytes?: Bytes) => void) => {
        try {
          done(null, answer(call.request));
        } catch (error) {
          done(fault(error));
        }
      },
    } as UntypedServiceImplementation,
  };
}
