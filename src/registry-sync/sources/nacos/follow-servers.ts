import type { Clock } from "../../../base/clock.ts";
import { TransientError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import { pause } from "../../../base/pause.ts";
import type { NacosMessage } from "../../../codecs/nacos/messages.ts";
import { retrying } from "../../retrying.ts";
import type { ServerAddress } from "../zookeeper/address.ts";
import type { NacosHttp } from "./http.ts";
import { spreadNaming } from "./lanes.ts";
import type { NamingMirror, NamingServer } from "./mirror.ts";
import { httpNaming } from "./naming-servers.ts";
import { type NacosConnection, runNacosSession } from "./session.ts";
import type { OpenTransport } from "./transport.ts";

/** How a Nacos is spoken to. */
export type NacosApi = "auto" | "grpc" | "http";

/** What is followed, and how. */
export interface FollowOptions {
  /** The registry's name, for the log. */
  readonly name: string;
  readonly servers: readonly ServerAddress[];
  readonly api: NacosApi;
  readonly namespace: string;
  readonly http: NacosHttp;
  readonly mirror: NamingMirror;
  readonly openTransport: OpenTransport;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told, again and again, whether a server is within reach; where none is, why. */
  readonly onConnected: (connected: boolean, reason?: string) => void;
  /** Told why the names of services can't be listed though a server is within reach. */
  readonly onDenied: (reason: string) => void;
  /** Told of pushes that are not about services. */
  readonly onPush?: (message: NacosMessage) => void;
  /** Told of pushes that cannot be read and are not about services, by their type. */
  readonly onDoubt?: (type: string) => void;
  /** Begun with each connection that stands, and with HTTP where that is followed; ends with it. */
  readonly onConnection?: (connection: NacosConnection) => Promise<void>;
  readonly onHttp?: (signal: AbortSignal) => Promise<void>;
}

const LABELS = { source: "sdk", module: "naming", AppName: "trestle", "tls.enable": "false" };
/** A list that a server refuses is asked for again after this, ms. */
const REFUSED_PAUSE_MS = 2_000;
/** Over HTTP what is lost is looked for again at least this often, ms. */
const MAX_HTTP_PAUSE_MS = 5_000;
const PROBE_TIMEOUT_MS = 3_000;

/**
 * Follows the registry until the signal, over gRPC wherever that can be: under `auto` HTTP stands in while no server takes gRPC and one
 * answers over HTTP (1.x, or a closed port); gRPC is tried on and takes over as soon as it stands.
 */
export async function followServers(options: FollowOptions, signal: AbortSignal): Promise<void> {
  if (options.api === "http") return followHttp(options, signal);
  let standIn: AbortController | undefined;
  let standing: Promise<void> = Promise.resolve();
  let isProbing = false;
  let stands = false;
  const following = new Set<Promise<unknown>>();
  /** Aborted when the connection that stands is lost: what follows it is over at once, with its further connections. */
  let standingOn = new AbortController();
  const onAbort = () => {
    standIn?.abort();
    standingOn.abort();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  const { mirror, clock, log, http, name } = options;
  await runNacosSession(
    {
      ...{ servers: options.servers, labels: LABELS, openTransport: options.openTransport, clock, log },
      token: (given) => http.token(given),
      onDenied: () => http.forgetToken(),
      onReady: (connection) => {
        stands = true;
        standIn?.abort();
        standIn = undefined;
        options.onConnected(true);
        const along = options.onConnection?.(connection);
        standingOn = new AbortController();
        const run = Promise.all([followConnection(options, connection, standingOn.signal), along]);
        following.add(run);
        void run.finally(() => following.delete(run));
      },
      onLost: (reason) => {
        stands = false;
        standingOn.abort();
        if (!signal.aborted) options.onConnected(false, reason);
      },
      onPush: (message) => {
        if (message.type === "NotifySubscriberRequest") mirror.push(message.body["serviceInfo"]);
        else options.onPush?.(message);
      },
      onDoubt: (type) => {
        if (type === "NotifySubscriberRequest") mirror.doubt();
        else options.onDoubt?.(type);
      },
      onUnreachable: (reason) => {
        if (options.api === "grpc") return options.onConnected(false, reason);
        if (standIn !== undefined || isProbing) return;
        isProbing = true;
        void answersHttp(options, signal).then((answers) => {
          isProbing = false;
          // Both at once would take each other's services for read elsewhere, and read all of them again and again.
          if (stands || signal.aborted || standIn !== undefined) return;
          if (!answers) return options.onConnected(false, reason);
          log.info("nacos takes no gRPC; it is read over HTTP", { registry: name });
          standIn = new AbortController();
          standing = followHttp(options, standIn.signal);
        });
      },
    },
    signal,
  );
  signal.removeEventListener("abort", onAbort);
  await Promise.all([standing, ...following]);
}

async function followConnection(
  options: FollowOptions,
  connection: NacosConnection,
  signal: AbortSignal,
): Promise<void> {
  const { mirror, namespace, http, openTransport, clock, log } = options;
  const server = spreadNaming(connection, {
    ...{ namespace, labels: LABELS, openTransport, clock, log },
    token: (given) => http.token(given),
    onDenied: () => http.forgetToken(),
    onService: (message) => mirror.push(message.body["serviceInfo"]),
    onRenewed: () => mirror.renewed(),
    onDoubt: () => mirror.doubt(),
  });
  try {
    await followServer(options, server, connection, signal);
  } finally {
    await server.close();
  }
}

async function followServer(
  { mirror, clock, log, onDenied }: FollowOptions,
  server: NamingServer,
  connection: NacosConnection,
  signal: AbortSignal,
): Promise<void> {
  let told = "";
  while (connection.isOpen && !signal.aborted) {
    try {
      await mirror.run(server, signal);
    } catch (error) {
      if (!connection.isOpen || signal.aborted) return;
      const reason = (error as Error).message;
      if (!(error instanceof TransientError))
        log.error("reading a nacos failed; trying on", { error: (error as Error).stack });
      else if (reason !== told) log.warn("nacos refuses to list its services; trying on", { reason });
      told = reason;
      onDenied(reason);
      await pause(clock, REFUSED_PAUSE_MS, signal);
    }
  }
}

async function followHttp(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { name, mirror, http, namespace, clock, log } = options;
  const what = `registry ${name} over HTTP`;
  const along = options.onHttp?.(signal);
  await retrying({ what, clock, logger: log, signal, maxPauseMs: MAX_HTTP_PAUSE_MS }, async (succeeded) => {
    const naming = httpNaming(http, namespace, signal);
    const server = {
      ...naming,
      get isOpen() {
        return naming.isOpen;
      },
      async list(...asked: Parameters<typeof naming.list>) {
        const answer = await naming.list(...asked);
        succeeded();
        options.onConnected(true);
        return answer;
      },
    };
    try {
      await mirror.run(server, signal);
    } catch (error) {
      if (!signal.aborted) options.onConnected(false, (error as Error).message);
      throw error;
    }
  });
  await along;
}

async function answersHttp({ http, namespace }: FollowOptions, signal: AbortSignal): Promise<boolean> {
  const query = { pageNo: "1", pageSize: "1", namespaceId: namespace };
  const request = {
    method: "GET",
    path: "/v1/ns/service/list",
    query,
    timeoutMs: PROBE_TIMEOUT_MS,
    maxBytes: 65_536,
  } as const;
  return http.request(request, signal).then(
    ({ body }) => body.toString().includes("doms"),
    () => false,
  );
}
