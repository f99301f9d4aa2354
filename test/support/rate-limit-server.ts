import { type handleUnaryCall, Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** Envoy's own .proto file of the service, as @grpc/grpc-js-xds carries it along. */
const deps = "node_modules/@grpc/grpc-js-xds/deps";
const loaded = loadSync("envoy/service/ratelimit/v3/rls.proto", {
  includeDirs: [`${deps}/envoy-api`, `${deps}/xds`, `${deps}/googleapis`, `${deps}/protoc-gen-validate`],
  enums: String,
});

interface Question {
  readonly domain: string;
  readonly descriptors: readonly { readonly entries: readonly { readonly key: string; readonly value: string }[] }[];
}

/** A rate limit service of gRPC's own server in this process. */
export interface RateLimitServer {
  readonly port: number;
  /** What it was asked, such as `orders method=create`, and how often. */
  readonly asked: Map<string, number>;
  /** How many calls of each such text pass; undefined for all. */
  limit: (text: string) => number | undefined;
  /** It does not answer. */
  silent: boolean;
  close(): void;
}

/** Starts one on a free port of `host`. */
export async function startRateLimitServer(host = "127.0.0.1"): Promise<RateLimitServer> {
  const server = new Server();
  const asked = new Map<string, number>();
  const shouldRateLimit: handleUnaryCall<Question, { overallCode: string }> = (call, done) => {
    const { domain, descriptors } = call.request;
    const entries = descriptors.map((one) => one.entries.map(({ key, value }) => `${key}=${value}`).join(","));
    const text = [domain, ...entries].join(" ");
    const count = (asked.get(text) ?? 0) + 1;
    asked.set(text, count);
    if (service.silent) return;
    done(null, { overallCode: count > (service.limit(text) ?? Number.POSITIVE_INFINITY) ? "OVER_LIMIT" : "OK" });
  };
  server.addService(loaded["envoy.service.ratelimit.v3.RateLimitService"] as ServiceDefinition, { shouldRateLimit });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  const service: RateLimitServer = {
    port,
    asked,
    limit: () => undefined,
    silent: false,
    close: () => server.forceShutdown(),
  };
  return service;
}
