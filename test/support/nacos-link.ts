import { ManualClock } from "../../src/base/clock.ts";
import type { Http2Stream } from "../../src/codecs/http2/stream.ts";
import { listOf, type NacosBody, parseBody, textOf } from "../../src/codecs/nacos/body.ts";
import {
  failure,
  type NacosMessage,
  readInstances,
  readServiceAddress,
  readSubscription,
  success,
  UN_REGISTER,
} from "../../src/codecs/nacos/messages.ts";
import { decodePayload, encodePayload } from "../../src/codecs/nacos/payload.ts";
import { createNacosCounters } from "../../src/registry-sync/facades/nacos/counters.ts";
import { DEFAULT_DOWNSTREAM_LIMITS, Downstream } from "../../src/registry-sync/facades/nacos/downstream.ts";
import { SharedServices } from "../../src/registry-sync/facades/nacos/services.ts";
import { NacosSession } from "../../src/registry-sync/facades/nacos/session.ts";
import type { SessionShared } from "../../src/registry-sync/facades/nacos/session-shared.ts";
import { type Outcome, Upstream } from "../../src/registry-sync/facades/nacos/upstream.ts";
import { Patience } from "../../src/registry-sync/facades/patience.ts";
import {
  createPresentContext,
  type PresentContext,
  type PresentOptions,
} from "../../src/registry-sync/present/context.ts";
import type { Passed } from "../../src/registry-sync/present/present.ts";

/** The proxy of the tests. */
export const PROXY = "10.0.0.9:31000";

/** A context that leads these services of Spring Cloud. */
export function leading(services: readonly string[], options: Partial<PresentOptions> = {}): PresentContext {
  return createPresentContext({
    addresses: ["10.0.0.9:20880"],
    httpAddresses: { get: () => PROXY },
    take: { services, applications: ["*"] },
    ...options,
  });
}

/** An instance as a server tells of it. */
export function hostOf(
  address: string,
  metadata: Readonly<Record<string, string>> = {},
  more: NacosBody = {},
): NacosBody {
  const [ip, port] = address.split(":");
  return {
    instanceId: `${ip}#${port}#DEFAULT#x`,
    ...{ ip, port: Number(port), weight: 1, healthy: true, enabled: true, ephemeral: true },
    ...{ clusterName: "DEFAULT", serviceName: "DEFAULT_GROUP@@x", metadata, ...more },
  };
}

/** `ip:port` of each instance of a service's object. */
export function addressesIn(info: unknown): string[] {
  return listOf(info as NacosBody, "hosts").map(
    (host) => `${textOf(host as NacosBody, "ip")}:${textOf(host as NacosBody, "port")}`,
  );
}

interface ServerConnection {
  readonly down: Downstream;
  readonly registered: Map<string, NacosBody[]>;
  readonly subscribed: Map<string, { readonly group: string; readonly name: string; readonly clusters: string }>;
  isSetUp: boolean;
}

/** A Nacos server of a few lines, in memory: as much of it as a session sees. */
export class FakeNacos {
  readonly connections = new Set<ServerConnection>();
  /** Requests as they came, by type. */
  readonly requests: {
    readonly type: string;
    readonly body: NacosBody;
    readonly headers: ReadonlyMap<string, string>;
  }[] = [];
  readonly acknowledged: string[] = [];
  readonly #now: () => number;
  /** Answers of another kind, or envelopes as they are, by type of request; used up one by one. */
  readonly answers = new Map<string, (NacosMessage | Buffer)[]>();
  /** Types that are not answered. */
  readonly silentOn = new Set<string>();
  /** Types whose answer claims to be of 4 GiB. */
  readonly hugeOn = new Set<string>();
  #pushes = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  connect(): ServerConnection {
    const connection: ServerConnection = {
      registered: new Map(),
      subscribed: new Map(),
      isSetUp: false,
      down: new Downstream(
        {
          onCall: ({ stream, message }) => this.#onCall(connection, stream, message),
          onCancelled: () => {},
          onStreamOpened: () => {},
          onMessage: (message) => this.#onMessage(connection, message),
          onStreamEnded: () => connection.down.endStream(),
        },
        DEFAULT_DOWNSTREAM_LIMITS,
        this.#now(),
      ),
    };
    this.connections.add(connection);
    return connection;
  }

  /** The connection is gone, and its instances with it. */
  drop(connection: ServerConnection): void {
    this.connections.delete(connection);
    for (const name of connection.registered.keys()) this.tell(name);
  }

  /** A service's object. */
  info(name: string): NacosBody {
    const hosts = [...this.connections].flatMap(({ registered }) => registered.get(name) ?? []);
    return {
      name,
      groupName: "DEFAULT_GROUP",
      clusters: "",
      cacheMillis: 10_000,
      hosts,
      lastRefTime: this.#now(),
      valid: true,
    };
  }

  /** Pushes a service to all who follow it. */
  tell(name: string): void {
    for (const connection of this.connections)
      if (connection.subscribed.has(name))
        this.push(connection, "NotifySubscriberRequest", { serviceInfo: this.info(name) });
  }

  push(connection: ServerConnection, type: string, body: NacosBody): void {
    connection.down.push(envelope({ type, body: { headers: {}, requestId: String(++this.#pushes), ...body } }));
  }

  #onMessage(connection: ServerConnection, message: Buffer): void {
    const { type, body } = decodePayload(message);
    this.requests.push({ type, body: parseBody(body), headers: new Map() });
    if (type === "ConnectionSetupRequest") {
      connection.isSetUp = true;
      connection.down.push(envelope({ type: "SetupAckRequest", body: { headers: {}, abilityTable: {} } }));
    } else this.acknowledged.push(textOf(parseBody(body), "requestId"));
  }

  #onCall(connection: ServerConnection, stream: Http2Stream, message: Buffer): void {
    const { type, body: bytes, headers } = decodePayload(message);
    const body = parseBody(bytes);
    this.requests.push({ type, body, headers });
    if (this.silentOn.has(type)) return;
    const other = this.answers.get(type)?.shift();
    const answer =
      other ?? (type === "ServerCheckRequest" || connection.isSetUp ? this.#answer(connection, type, body) : UNKNOWN);
    if (this.hugeOn.has(type)) {
      connection.down.machine.head(stream, [":status", "200", "content-type", "application/grpc"], false);
      connection.down.machine.data(stream, Buffer.from("00ffffffff", "hex"), false);
    } else connection.down.answer(stream, envelope(answer));
  }

  #answer(connection: ServerConnection, type: string, body: NacosBody): NacosMessage {
    const { serviceName: name, groupName: group } = readServiceAddress(body);
    switch (type) {
      case "ServerCheckRequest":
        return success("ServerCheckResponse", { connectionId: "c1", supportAbilityNegotiation: true });
      case "HealthCheckRequest":
        return success("HealthCheckResponse");
      case "InstanceRequest":
      case "BatchInstanceRequest": {
        const hosts = readInstances(body, 100).map((one) => ({ ...one, metadata: { ...one.metadata } }));
        if (textOf(body, "type") === "deregisterInstance") connection.registered.delete(name);
        else connection.registered.set(name, hosts);
        this.tell(name);
        return success("InstanceResponse", { type: textOf(body, "type") });
      }
      case "SubscribeServiceRequest": {
        const { subscribe, clusters } = readSubscription(body);
        if (subscribe) connection.subscribed.set(name, { group, name, clusters });
        else connection.subscribed.delete(name);
        return success("SubscribeServiceResponse", { serviceInfo: this.info(name) });
      }
      case "ServiceQueryRequest":
        return success("QueryServiceResponse", { serviceInfo: this.info(name) });
      case "ServiceListRequest":
        return success("ServiceListResponse", { count: 1, serviceNames: ["orders"] });
      case "ConfigBatchListenRequest":
        return success("ConfigChangeBatchListenResponse", { changedConfigs: [] });
      default:
        return failure(302, `no handler for ${type}`);
    }
  }
}

const UNKNOWN = failure(UN_REGISTER, "Connection is unregistered.");

function envelope(message: NacosMessage | Buffer): Buffer {
  if (Buffer.isBuffer(message)) return message;
  return encodePayload({ type: message.type, body: JSON.stringify(message.body) });
}

/** A client of the tests: gRPC without a socket. */
export class LinkedNacosClient {
  readonly up: Upstream;
  readonly session: NacosSession;
  readonly pushes: { readonly type: string; readonly body: NacosBody }[] = [];
  /** The pushes' envelopes, as they came. */
  readonly raw: Buffer[] = [];
  streamEnded = false;
  server: ServerConnection | undefined;
  readonly #link: NacosLink;

  constructor(link: NacosLink, session: NacosSession) {
    this.#link = link;
    this.session = session;
    this.up = new Upstream(
      "facade:9848",
      {
        onPush: (message) => this.#onPush(message),
        onOversized: () => {},
        onStreamEnded: () => {
          this.streamEnded = true;
        },
      },
      () => link.clock.now(),
    );
  }

  /** The service's object of the last push about a service. */
  pushed(name: string): NacosBody | undefined {
    return this.pushes.findLast(
      ({ type, body }) => type === "NotifySubscriberRequest" && textOf(infoIn(body), "name") === name,
    )?.body["serviceInfo"] as NacosBody | undefined;
  }

  /** Connects as Nacos' Java client does. */
  open(labels: Readonly<Record<string, string>> = {}): this {
    this.request("ServerCheckRequest", {});
    this.up.openStream([]);
    this.send("ConnectionSetupRequest", { clientVersion: "Nacos-Java-Client:v2.4.3", labels, abilityTable: {} });
    return this;
  }

  /** Writes a message to the stream. */
  send(type: string, body: NacosBody): void {
    this.up.send(envelope({ type, body }));
    this.#link.pump();
  }

  /** Makes a call; the outcome is there at once, or in `done` later. */
  request(
    type: string,
    body: NacosBody,
    headers: Readonly<Record<string, string>> = {},
  ): { outcome: Outcome | undefined; readonly body: NacosBody } {
    const call: { outcome: Outcome | undefined; readonly body: NacosBody } = {
      outcome: undefined,
      get body() {
        const { outcome } = call;
        if (outcome?.type !== "answer") throw new Error(`no answer: ${JSON.stringify(outcome)}`);
        return parseBody(decodePayload(outcome.message).body);
      },
    };
    const message = encodePayload({ type, headers: Object.entries(headers), body: JSON.stringify(body) });
    this.up.call(message, [], (outcome) => {
      call.outcome = outcome;
    });
    this.#link.pump();
    return call;
  }

  register(name: string, address: string, metadata: Readonly<Record<string, string>> = {}): NacosBody {
    const instance = hostOf(address, metadata);
    return this.request("InstanceRequest", {
      serviceName: name,
      groupName: "DEFAULT_GROUP",
      type: "registerInstance",
      instance,
    }).body;
  }

  subscribe(name: string, more: NacosBody = {}): NacosBody {
    const body = {
      namespace: "public",
      serviceName: name,
      groupName: "DEFAULT_GROUP",
      subscribe: true,
      clusters: "",
      ...more,
    };
    return this.request("SubscribeServiceRequest", body).body;
  }

  #onPush(message: Buffer): void {
    this.raw.push(message);
    const { type, body } = decodePayload(message);
    const push = { type, body: parseBody(body) };
    this.pushes.push(push);
    if (type !== "SetupAckRequest") {
      const answer = success(type.replace(/Request$/, "Response"), { requestId: textOf(push.body, "requestId") });
      this.up.send(envelope(answer));
    }
  }
}

function infoIn(body: NacosBody): NacosBody {
  return (body["serviceInfo"] ?? {}) as NacosBody;
}

/** A server, sessions before it and their clients, joined without sockets: bytes move when `pump` is called. */
export class NacosLink {
  readonly clock = new ManualClock();
  readonly counters = createNacosCounters();
  readonly passed: Passed[] = [];
  readonly removed: string[] = [];
  readonly registry: FakeNacos;
  readonly clients: LinkedNacosClient[] = [];
  readonly shared: SessionShared;
  #context: PresentContext;

  constructor(context: PresentContext = leading(["orders"])) {
    this.#context = context;
    const now = () => this.clock.now();
    this.registry = new FakeNacos(now);
    this.shared = {
      services: new SharedServices(now),
      context: () => this.#context,
      patience: new Patience(this.clock),
      onPassed: (passed) => this.passed.push(passed),
      namespace: "public",
      counters: this.counters,
      now,
      onRemoval: (instances) => this.removed.push(...instances),
    };
  }

  /** A client whose session has a server; it has not said anything yet. */
  connect(address = "10.0.0.7"): LinkedNacosClient {
    const client = new LinkedNacosClient(this, new NacosSession(this.shared, address));
    this.clients.push(client);
    this.join(client);
    return client;
  }

  /** A client that has connected. */
  client(labels: Readonly<Record<string, string>> = {}): LinkedNacosClient {
    return this.connect().open(labels);
  }

  /** Gives a session a server. */
  join(client: LinkedNacosClient): void {
    client.server = this.registry.connect();
    client.session.serverConnected("server:9848");
    this.pump();
  }

  /** Takes a session's server away; `quietly`: the server keeps what the connection had. */
  lose(client: LinkedNacosClient): void {
    const { server } = client;
    client.server = undefined;
    client.session.serverLost();
    if (server !== undefined) this.registry.drop(server);
    this.pump();
  }

  setContext(context: PresentContext): void {
    this.#context = context;
    this.shared.patience.forget(context.isSettled);
    for (const { session } of this.clients) session.contextChanged();
    this.pump();
  }

  /** Moves the time on in steps of 100 ms, as the sessions' driver does. */
  advance(ms: number): void {
    for (let past = 0; past < ms; past += 100) {
      this.clock.advance(Math.min(100, ms - past));
      for (const { session } of this.clients) session.tick();
      this.pump();
    }
  }

  /** Moves bytes until there are none. */
  pump(): void {
    for (let moved = true; moved; ) {
      moved = false;
      const move = (bytes: Buffer, take: (bytes: Buffer) => void) => {
        if (bytes.length === 0) return;
        moved = true;
        take(bytes);
      };
      const nowMs = this.clock.now();
      for (const client of this.clients) {
        const { session, up, server } = client;
        move(up.machine.takeOutput(), (bytes) => session.fromClient(bytes));
        move(session.takeToClient(), (bytes) => up.receive(bytes, nowMs));
        if (server === undefined) continue;
        if (session.wantsServer) {
          client.server = undefined;
          this.registry.drop(server);
          continue;
        }
        move(session.takeToServer(), (bytes) => server.down.receive(bytes, nowMs));
        move(server.down.machine.takeOutput(), (bytes) => session.fromServer(bytes));
      }
    }
  }
}
