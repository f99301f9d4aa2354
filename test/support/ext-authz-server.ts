import { type handleUnaryCall, Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** Envoy's own .proto file of the service, as @grpc/grpc-js-xds carries it along. */
const deps = "node_modules/@grpc/grpc-js-xds/deps";
const loaded = loadSync("envoy/service/auth/v3/external_auth.proto", {
  includeDirs: [`${deps}/envoy-api`, `${deps}/xds`, `${deps}/googleapis`, `${deps}/protoc-gen-validate`],
  enums: String,
  longs: Number,
  defaults: true,
});

/** What a server was told of a call. */
export interface ToldCall {
  readonly source: {
    readonly address: { readonly socketAddress: { readonly address: string } };
    readonly principal: string;
  };
  readonly destination: { readonly service: string };
  readonly request: {
    readonly http: {
      readonly method: string;
      readonly path: string;
      readonly host: string;
      readonly scheme: string;
      readonly query: string;
      readonly protocol: string;
      readonly size: number;
      readonly headers: Readonly<Record<string, string>>;
    };
  };
}

/** A header to be set, or added to. */
export const header = (key: string, value: string, append = false) => ({
  header: { key, value },
  append: { value: append },
});

/** A `CheckResponse` that allows, with these changes. */
export const allow = (okResponse: object = {}) => ({ status: { code: 0 }, okResponse });

/** One that denies. */
export const deny = (code = "Forbidden", body = "", ...headers: object[]) => ({
  status: { code: 7 },
  deniedResponse: { status: { code }, body, headers },
});

/** An external authorization server of gRPC's own in this process. */
export interface ExtAuthzServer {
  readonly port: number;
  /** What it was told, in order. */
  readonly told: ToldCall[];
  /** How many connections were made to it. */
  readonly peers: Set<string>;
  /** What it answers; undefined for nothing at all. */
  answer: (call: ToldCall) => object | undefined;
  close(): void;
}

/** Starts one on a port of `host`, a free one unless told. */
export async function startExtAuthzServer(host = "127.0.0.1", wanted = 0): Promise<ExtAuthzServer> {
  const server = new Server();
  const check: handleUnaryCall<{ readonly attributes: ToldCall }, object> = (call, done) => {
    service.peers.add(call.getPeer());
    service.told.push(call.request.attributes);
    const answer = service.answer(call.request.attributes);
    if (answer !== undefined) done(null, answer);
  };
  server.addService(loaded["envoy.service.auth.v3.Authorization"] as ServiceDefinition, { check });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host}:${wanted}`, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  const service: ExtAuthzServer = {
    port,
    told: [],
    peers: new Set(),
    answer: () => allow(),
    close: () => server.forceShutdown(),
  };
  return service;
}
