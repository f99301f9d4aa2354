import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { answersByLine } from "./dubbo.ts";
import { builtGrpcXdsGo } from "./go-peers.ts";
import { builtPeer } from "./maven.ts";
import { startProcess } from "./process.ts";

/** The xDS clients of gRPC itself, each in a program of its own. */
export const grpcXdsClients = ["node", "go", "java"] as const;
/** One of them. */
export type GrpcXdsClient = (typeof grpcXdsClients)[number];

/** Calls to make: all alike, 16 at a time. */
export interface Calls {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly count: number;
  readonly deadlineMs?: number;
  /** Each call by a channel of its own. */
  readonly fresh?: boolean;
}

/** What came of them: answers by text, errors by gRPC code, and the first errors' texts. */
export interface CallCounts {
  readonly answers: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly texts: readonly string[];
  readonly ms: number;
}

/** A running client. */
export interface XdsCaller {
  call(calls: Calls): Promise<CallCounts>;
  stop(): Promise<unknown>;
}

/** A bootstrap for one that asks an xDS server at `address`; `id` is its node. */
export function grpcBootstrap(address: string, id: string): string {
  return JSON.stringify({
    xds_servers: [{ server_uri: address, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] }],
    node: { id, cluster: "tests", metadata: { NAMESPACE: "default" }, locality: { region: "r", zone: "z" } },
    server_listener_resource_name_template: "xds.istio.io/grpc/lds/inbound/%s",
  });
}

/** Starts a client of `target` (`xds:///...`). */
export async function startXdsCaller(client: GrpcXdsClient, address: string, target: string): Promise<XdsCaller> {
  const [command, args] = commandOf(client, target);
  const peer = await startProcess({
    name: `gRPC xDS client in ${client}`,
    command,
    args,
    env: { GRPC_XDS_BOOTSTRAP_CONFIG: grpcBootstrap(address, `${client}-client`) },
    stdin: true,
    ready: (started) => started.stdout().includes('{"ready":true}'),
  });
  const ask = answersByLine(peer);
  return {
    call: async ({ deadlineMs = 10_000, ...calls }) => (await ask({ deadlineMs, ...calls })) as unknown as CallCounts,
    stop: () => peer.stop(),
  };
}

function commandOf(client: GrpcXdsClient, target: string): [string, string[]] {
  switch (client) {
    case "node":
      return [
        process.execPath,
        [fileURLToPath(new URL("../../fixtures/peers/grpc-xds-node/client.mjs", import.meta.url)), target],
      ];
    case "go":
      return [builtGrpcXdsGo(), [target]];
    case "java": {
      const home = builtPeer("grpc-xds-java");
      const path = `${join(home, "target/classes")}:${join(home, "target/dep")}/*`;
      return ["java", ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", path, "peer.GrpcXds", target]];
    }
    default:
      return client satisfies never;
  }
}

/** Starts a gRPC server in Go that takes its listener from an xDS server; resolves with what it says of its mode. */
export async function startXdsGoServer(
  xds: string,
  listen: string,
): Promise<{ readonly said: string; stop(): Promise<unknown> }> {
  const peer = await startProcess({
    name: "gRPC xDS server in go",
    command: builtGrpcXdsGo(),
    args: ["serve", listen],
    env: { GRPC_XDS_BOOTSTRAP_CONFIG: grpcBootstrap(xds, "go-server") },
    ready: (started) => started.stdout().includes('"mode"'),
  });
  return { said: peer.stdout(), stop: () => peer.stop() };
}

/** A gRPC server that answers every call with its label; a header `x-wait` says after how many ms. */
export interface LabelServer {
  readonly port: number;
  /** Calls so far. */
  readonly calls: () => number;
  kill(): void;
}

const METHODS: readonly string[] = ["Say", "Sum", "Wait"];

/** Starts one on a free port of 127.0.0.1, for the methods Say, Sum and Wait of com.acme.Relay. */
export async function startLabelServer(label: string): Promise<LabelServer> {
  const server = new Server();
  let calls = 0;
  const bytes = (value: Buffer) => value;
  const methods = METHODS.map((name) => {
    const path = `/com.acme.Relay/${name}`;
    const streams = { requestStream: false, responseStream: false } as const;
    const codecs = {
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    };
    return [name, { path, ...streams, ...codecs }] as const;
  });
  const answer = (
    call: { readonly metadata: { get(name: string): unknown[] } },
    done: (error: null, answer: Buffer) => void,
  ) => {
    calls++;
    setTimeout(() => done(null, Buffer.from(label)), Number(call.metadata.get("x-wait")[0] ?? 0));
  };
  server.addService(Object.fromEntries(methods), Object.fromEntries(METHODS.map((name) => [name, answer])));
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, got) =>
      error === null ? resolve(got) : reject(error),
    ),
  );
  return { port, calls: () => calls, kill: () => server.forceShutdown() };
}
