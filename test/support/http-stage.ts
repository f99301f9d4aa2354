import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { silentLogger } from "../../src/base/log.ts";
import type { ProxyLimits } from "../../src/bridge-proxy/context.ts";
import * as dataPlane from "../../src/bridge-proxy/proxy.ts";
import type { Cluster } from "../../src/codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../src/codecs/xds/core.ts";
import type { Listener } from "../../src/codecs/xds/listener.ts";
import {
  CLUSTER_TYPE,
  type DeltaResources,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type NamedResource,
  ROUTE_TYPE,
} from "../../src/codecs/xds/resources.ts";
import type { Route } from "../../src/codecs/xds/route.ts";
import { freePort } from "./lone-proxy.ts";
import { clusterName, clusterOf, endpointsOf, named, routesOf, type TestEndpoint } from "./xds-fixtures.ts";

/** The service of every {@link startHttpProxy}. */
export const SHOP = "shop";

/** What {@link startHttpProxy} leads where. */
export interface HttpService {
  /** Ports of its providers on 127.0.0.1, by subset; `""` for all. */
  readonly ports: Readonly<Record<string, readonly number[]>>;
  /** Before the route that takes everything. */
  readonly routes?: readonly Route[];
  readonly maxRequests?: number;
  /** What its clusters say beside the usual. */
  readonly cluster?: Partial<Cluster>;
}

/** A data plane in this process with one HTTP port for {@link SHOP}. */
export interface HttpProxy {
  readonly proxy: dataPlane.RunningProxy;
  readonly port: number;
  readonly url: string;
  apply(service: HttpService): Promise<void>;
  close(): Promise<void>;
}

export async function startHttpProxy(service: HttpService, limits: Partial<ProxyLimits> = {}): Promise<HttpProxy> {
  const proxy = dataPlane.createProxy({ worker: "lone", log: silentLogger, limits });
  const port = await freePort();
  const apply = (next: HttpService) => proxy.apply(resourcesOf(next, port));
  await apply(service);
  return { proxy, port, url: `http://127.0.0.1:${port}`, apply, close: () => proxy.close() };
}

function resourcesOf({ ports, routes = [], maxRequests, cluster = {} }: HttpService, port: number): DeltaResources[] {
  const listener: Listener = {
    name: "http",
    address: { socketAddress: { address: "127.0.0.1", portValue: port } },
    metadata: { filterMetadata: { [TRESTLE_METADATA]: { protocol: "http", routeConfigName: "dubbo", service: SHOP } } },
  };
  const last: Route = { name: "all", match: { prefix: "/" }, route: { cluster: clusterName(SHOP) } };
  const limits = maxRequests === undefined ? {} : { maxRequests };
  const changes = (typeUrl: DeltaResources["typeUrl"], resources: readonly NamedResource[]): DeltaResources => ({
    typeUrl,
    resources,
    removedResources: [],
  });
  return [
    changes(LISTENER_TYPE, [named("http", listener)]),
    changes(
      CLUSTER_TYPE,
      Object.keys(ports).map((subset) =>
        named(clusterName(SHOP, subset), {
          ...clusterOf(SHOP, subset, { lbPolicy: "ROUND_ROBIN", ...limits }),
          ...cluster,
        }),
      ),
    ),
    changes(
      ENDPOINT_TYPE,
      Object.entries(ports).map(([subset, list]) =>
        named(
          clusterName(SHOP, subset),
          endpointsOf(
            SHOP,
            subset,
            list.map((one): TestEndpoint => ({ port: one, protocol: "http" })),
          ),
        ),
      ),
    ),
    changes(ROUTE_TYPE, [named("dubbo", routesOf({ [SHOP]: [...routes, last] }))]),
  ];
}

/** A provider made of Node's own HTTP server. */
export interface HttpProvider {
  readonly port: number;
  readonly server: Server;
  /** Requests so far. */
  requests: number;
  /** Connections that were opened so far. */
  connections: number;
  answer: RequestListener;
  close(): Promise<void>;
}

export async function startHttpProvider(answer: RequestListener): Promise<HttpProvider> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    provider.requests++;
    provider.answer(request, response);
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    provider.connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const provider: HttpProvider = {
    port: (server.address() as AddressInfo).port,
    server,
    requests: 0,
    connections: 0,
    answer,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return provider;
}

/** A provider made by hand: `serve` gets each connection. */
export interface RawProvider {
  readonly port: number;
  serve: (socket: Socket) => void;
  /** Drops all connections. */
  drop(): void;
  close(): Promise<void>;
}

export async function startRawProvider(serve: (socket: Socket) => void): Promise<RawProvider> {
  const sockets = new Set<Socket>();
  const server: TcpServer = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    provider.serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const provider: RawProvider = {
    port: (server.address() as AddressInfo).port,
    serve,
    drop: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        provider.drop();
      }),
  };
  return provider;
}

/** A caller made of bytes: what it got so far, and whether the connection is over. */
export interface RawCaller {
  readonly socket: Socket;
  readonly text: string;
  readonly ended: boolean;
  write(text: string | Buffer): void;
  /** Resolves with all that came once it meets `wanted`; rejects with it after 5 s. */
  until(wanted: (text: string, ended: boolean) => boolean): Promise<string>;
}

export async function openRawHttp(port: number, host = "127.0.0.1"): Promise<RawCaller> {
  const socket = connect({ host, port });
  let text = "";
  let ended = false;
  const waiting = new Set<() => void>();
  const tell = () => {
    for (const one of waiting) one();
  };
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    tell();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    ended = true;
    tell();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return {
    socket,
    get text() {
      return text;
    },
    get ended() {
      return ended;
    },
    write: (bytes) => void socket.write(bytes),
    until: (wanted) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(
            new Error(
              `not what was waited for within 5 s${ended ? " (closed)" : ""}: ${JSON.stringify(text.slice(-2_000))}`,
            ),
          );
        }, 5_000);
        const look = () => {
          if (!wanted(text, ended)) return;
          waiting.delete(look);
          clearTimeout(timer);
          resolve(text);
        };
        waiting.add(look);
        look();
      }),
  };
}
