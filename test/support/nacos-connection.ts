import { realClock } from "../../src/base/clock.ts";
import { silentLogger } from "../../src/base/log.ts";
import { type NacosBody, textOf } from "../../src/codecs/nacos/body.ts";
import { request, type ServiceAddress, subscribeRequest } from "../../src/codecs/nacos/messages.ts";
import { type NacosConnection, runNacosSession } from "../../src/registry-sync/sources/nacos/session.ts";
import { openGrpcTransport } from "../../src/registry-sync/sources/nacos/transport.ts";
import { eventually } from "./process.ts";

/** What a test says of an instance. */
export interface NacosHost {
  readonly ip: string;
  readonly port: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A client over gRPC of which a test decides each request: for floods, where a real one would only do what is sensible. */
export interface ConnectedNacos {
  /** Times that it has been connected, the first one included. */
  readonly connections: number;
  /** The service's objects pushed so far, the newest of each service. */
  readonly pushed: ReadonlyMap<string, NacosBody>;
  /** Registers these instances of a service, and no others from now on. */
  register(service: string, hosts: readonly NacosHost[]): Promise<void>;
  /** Subscribes; gives the list as it stands. */
  subscribe(service: string): Promise<NacosBody>;
  close(): Promise<void>;
}

/** How long one request may take: what is tested is that it is answered, on a machine that does much else, ms. */
const REQUEST_MS = 60_000;

/** Connects to a server's main port. */
export async function connectNacos(host: string, port: number): Promise<ConnectedNacos> {
  const closing = new AbortController();
  const pushed = new Map<string, NacosBody>();
  let connections = 0;
  let connection: NacosConnection | undefined;
  const running = runNacosSession(
    {
      servers: [{ host, port }],
      labels: { module: "naming", source: "sdk", AppName: "flood" },
      token: async () => undefined,
      onDenied: () => {},
      openTransport: openGrpcTransport,
      clock: realClock,
      log: silentLogger,
      onReady(ready) {
        connections++;
        connection = ready;
      },
      onLost() {
        connection = undefined;
      },
      onPush({ body }) {
        const info = body["serviceInfo"] as NacosBody | undefined;
        if (info !== undefined) pushed.set(textOf(info, "name"), info);
      },
      onUnreachable() {},
    },
    closing.signal,
  );
  const connected = () => eventually("a connection to nacos", () => connection, 30_000);
  await connected();
  return {
    get connections() {
      return connections;
    },
    pushed,
    async register(service, hosts) {
      const instances = hosts.map((one) => ({ ...INSTANCE, metadata: {}, ...one }));
      const message = { ...addressOf(service), type: "batchRegisterInstance", instances };
      await (await connected()).request(request("BatchInstanceRequest", "naming", message), REQUEST_MS);
    },
    async subscribe(service) {
      const answer = await (await connected()).request(subscribeRequest(addressOf(service)), REQUEST_MS);
      return answer["serviceInfo"] as NacosBody;
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}

const INSTANCE = { weight: 1, healthy: true, enabled: true, ephemeral: true, clusterName: "DEFAULT" };

function addressOf(serviceName: string): ServiceAddress {
  return { namespace: "public", groupName: "DEFAULT_GROUP", serviceName };
}
