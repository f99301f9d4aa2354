import { isUtf8 } from "node:buffer";
import { Agent, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import { type NacosBody, utf8Of } from "../../../codecs/nacos/body.ts";
import type { AllowTest } from "../../allow.ts";
import { hostsOf, type NacosQuestion, withHosts } from "../../present/nacos.ts";
import {
  answeredInstances,
  answeredNames,
  type HttpServiceQuestion,
  nacosHttpKind,
  readServiceQuery,
  withoutUdp,
} from "../../present/nacos-http.ts";
import { pageQuestion, presentNamePage } from "../../present/nacos-list.ts";
import { AnswerWatch } from "../answer-watch.ts";
import type { Burden, Burdens } from "../burdens.ts";
import type { UpstreamHost } from "../hosts.ts";
import { hidesRule } from "./hidden-rules.ts";
import { HttpRules, type RulesAsked } from "./http-rules.ts";
import { type HttpAsked, HttpStandIns } from "./http-stand-ins.ts";
import { type HttpAsker, HttpFault, HttpUpstream, readBody } from "./http-upstream.ts";
import { serviceText } from "./memory.ts";
import { MAX_PIPELINED, Pipelines } from "./pipelines.ts";
import { type RealList, refMsOf } from "./services.ts";
import type { SessionShared } from "./session-shared.ts";
import { UdpPushes } from "./udp.ts";

/** What {@link createNacosHttp} needs. */
export interface NacosHttpOptions {
  readonly shared: SessionShared;
  readonly clock: Clock;
  /** Milliseconds since 1970 by the machine's date: what pushes are dated by. */
  readonly wallNow: () => number;
  readonly log: Logger;
  readonly listen: UpstreamHost;
  readonly upstream: readonly UpstreamHost[];
  /** Path below which the API stands, such as `/nacos`. */
  readonly path: string;
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** How long a client may take to read an answer, ms. */
  readonly writeTimeoutMs: number;
  /** What the facade keeps for all its clients. */
  readonly burdens: Burdens;
  readonly allows: AllowTest;
  readonly random: () => number;
}

/** A running HTTP side of a facade. */
export interface NacosHttp {
  readonly port: number;
  contextChanged(): void;
  /** Whether the registry refuses a client that has this token. Rejects where it says neither yes nor no. */
  refuses(token: string): Promise<boolean>;
  close(): Promise<void>;
}

/** Largest body of a request: Nacos takes configurations of 10 MiB at most. */
const MAX_REQUEST_BYTES = 10 * 1024 * 1024;
/** Largest list that is changed; larger ones are not passed at all. */
const MAX_LIST_BYTES = 32 * 1024 * 1024;
const MAX_HEADER_BYTES = 32 * 1024;
/** How often a list is looked at that waits for the proxies, ms. */
const LOOK_MS = 100;
const MAX_CLUSTERS_KNOWN = 20_000;

/** Serves the HTTP API: lists are changed, what is a client's passes, the rest is refused. Rejects when the address cannot be listened on. */
export async function createNacosHttp(options: NacosHttpOptions): Promise<NacosHttp> {
  const { shared, clock, log, burdens } = options;
  const { counters } = shared;
  const agent = new Agent({
    keepAlive: true,
    maxSockets: Math.max(4_096, options.maxConnections),
    maxFreeSockets: 64,
    timeout: 10_000,
  });
  const upstream = new HttpUpstream({ ...options, agent, hosts: options.upstream });
  const udp = new UdpPushes({
    host: options.listen.host,
    counters,
    now: () => clock.now(),
    wallNow: options.wallNow,
    isServer: (address) => upstream.knows(address),
    later: (act) => void clock.after(LOOK_MS, act),
  });
  await udp.open();
  const rules = new HttpRules({
    clock,
    hides: (config, clientAddress) => hidesRule(config, { ...shared, clientAddress }),
  });
  const standIns = new HttpStandIns({
    registering: () => shared.context().registering,
    now: () => clock.now(),
    send: ({ path, ...asker }) => askAside(asker, path),
  });
  /** The cluster of the instance that was registered from an address. */
  const clusters = new Map<string, string>();

  /** Asks a server while no client waits for it; gives the answer's status. */
  async function askAside(asker: HttpAsker, path: string): Promise<number> {
    const burden = burdens.open(() => {});
    try {
      const forwarded = { path, body: Buffer.alloc(0), burden, maxBytes: MAX_LIST_BYTES };
      return (await upstream.fetch(asker, forwarded)).status;
    } finally {
      burden.end();
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse, burden: Burden): Promise<void> {
    counters.httpRequests++;
    const [rawPath = "", rawQuery = ""] = split(request.url ?? "");
    const base = rawPath.startsWith(`${options.path}/`) ? rawPath.slice(options.path.length) : undefined;
    const kind = base === undefined ? "refused" : nacosHttpKind(request.method ?? "", base);
    if (kind === "refused") {
      counters.refused++;
      throw new HttpFault(
        403,
        `not passed on by this facade: ask a server of the registry for ${rawPath.slice(0, 200)}`,
      );
    }
    const body = await readBody(request, MAX_REQUEST_BYTES, 413, burden);
    const query = new URLSearchParams(asUtf8(rawQuery));
    if (kind === "passes") {
      if (await isAboutRules(request, response, { base: base ?? "", query, body }, burden)) return;
      await passOn(request, response, { base: base ?? "", path: rawPath, rawQuery, query, body }, burden);
      return;
    }
    const client = clientOf(request);
    const question = readServiceQuery(query);
    const passes =
      question.namespace !== shared.namespace ||
      shared.context().passesClient({ address: client, application: question.application });
    if (passes) {
      await upstream.pass(request, response, { path: request.url ?? "", body, burden });
      return;
    }
    const takesPushes = question.udpPort > 0 && udp.port > 0;
    const ask = (address: string | undefined) => {
      const pushed = withoutUdp(query, address === undefined ? undefined : { address, port: udp.port });
      return upstream.fetch(request, { path: `${rawPath}?${pushed}`, ...{ body, burden, maxBytes: MAX_LIST_BYTES } });
    };
    const known = upstream.localAddress;
    let answer = await ask(takesPushes ? known : undefined);
    // Where servers may push to was not known yet: without a second question there were no pushes before the client asks again.
    if (takesPushes && known === undefined) answer = await ask(upstream.localAddress);
    noteUser({ base: base ?? "", query }, client, answer.status);
    const sendChanged = (value: unknown) => {
      const bytes = Buffer.from(JSON.stringify(value));
      burden.add(bytes.length);
      upstream.reply(response, answer, bytes);
    };
    const parsed = answer.status === 200 ? parse(answer.body) : undefined;
    if (kind === "names") {
      const names = answeredNames(parsed);
      const page =
        names === undefined
          ? undefined
          : presentNamePage(names, pageQuestion(Object.fromEntries(query)), shared.context());
      if (names === undefined || page === undefined || page === names) upstream.reply(response, answer);
      else sendChanged(names.with(page));
      return;
    }
    const list = answeredInstances(parsed);
    if (list === undefined) {
      upstream.reply(response, answer);
      return;
    }
    const following = follow(question, client, list.info);
    await patient(following);
    const shown = following.show();
    sendChanged(list.with(shown.info));
    if (question.udpPort > 0) subscribe(question, client, following, shown.text);
  }

  interface FollowedByHttp {
    real: RealList;
    frame: NacosBody;
    readonly show: () => { readonly info: NacosBody; readonly text: string; readonly soon: ReadonlySet<string> };
  }

  function follow(question: HttpServiceQuestion, client: string, info: NacosBody): FollowedByHttp {
    const key = `${serviceText(question)}\n${question.clusters}\nhttp`;
    const asked: NacosQuestion = { ...question, ownCluster: clusters.get(client) ?? "" };
    const following: FollowedByHttp = {
      real: shared.services.share(key, info),
      frame: { ...info, hosts: [] },
      show: () => {
        const shown = shared.services.shown(following.real, asked, shared.context(), false);
        for (const passed of shown.passed) shared.onPassed(passed);
        if (shown.isChanged) counters.rewritten++;
        const hosts = question.healthyOnly ? shown.hosts.filter(isHealthy) : shown.hosts;
        const changed = withHosts(following.frame, hosts);
        if (!Object.hasOwn(changed, "lastRefTime")) return { info: changed, text: shown.text, soon: shown.soon };
        const lastRefTime = shared.services.refMs(key, shown, refMsOf(following.frame));
        return { info: { ...changed, lastRefTime }, text: shown.text, soon: shown.soon };
      },
    };
    return following;
  }

  /** Waits a moment for the proxies to be told of a service that they have not been told of. */
  async function patient(following: FollowedByHttp): Promise<void> {
    while (shared.patience.waitsFor(following.show().soon))
      await new Promise<void>((resolve) => {
        clock.after(LOOK_MS, resolve);
      });
  }

  function subscribe(question: HttpServiceQuestion, client: string, following: FollowedByHttp, text: string): void {
    const { groupName, serviceName } = question;
    udp.subscribe(
      {
        ...{ address: client, port: question.udpPort, groupName, serviceName, clusters: question.clusters },
        show: (info) => {
          if (info !== undefined) {
            following.real = shared.services.share(`${serviceText(question)}\n${question.clusters}\nhttp`, {
              hosts: hostsOf(info),
            });
            following.frame = { ...info, hosts: [] };
          }
          const shown = following.show();
          if (shared.patience.waitsFor(shown.soon)) return undefined;
          return { text: shown.text, json: JSON.stringify(shown.info) };
        },
      },
      text,
    );
  }

  /** Answers a request for routers that clients are not shown. */
  function isAboutRules(
    request: IncomingMessage,
    response: ServerResponse,
    asked: Pick<RulesAsked, "base" | "query" | "body">,
    burden: Burden,
  ): Promise<boolean> {
    const held = request.headers["long-pulling-timeout"];
    const holdMs = "long-pulling-timeout-no-hangup" in request.headers ? "0" : held?.toString();
    const about = { ...asked, method: request.method ?? "", address: clientOf(request), holdMs, response };
    return rules.serve(about, {
      fetch: (body) => upstream.fetch(request, { path: request.url ?? "", body, burden, maxBytes: MAX_LIST_BYTES }),
      reply: (answer) => upstream.reply(response, answer),
    });
  }

  async function passOn(
    request: IncomingMessage,
    response: ServerResponse,
    asked: Pick<HttpAsked, "base" | "path" | "rawQuery" | "query" | "body">,
    burden: Burden,
  ): Promise<void> {
    const { method = "", headers } = request;
    const given = standIns.toServer({ ...asked, method, headers, address: clientOf(request) });
    if (/^\/v[12]\/ns\/instance$/.test(asked.base)) noteInstance(request, asked.query, given.instance);
    const path = given.rawQuery === asked.rawQuery ? (request.url ?? "") : `${asked.path}?${given.rawQuery}`;
    const passed = upstream.pass(request, response, { path, body: given.body, burden });
    const status = await passed.catch((error: unknown) => {
      if (error instanceof HttpFault) noteUser(asked, clientOf(request), error.status);
      throw error;
    });
    if (status === 200) given.taken();
    noteUser(asked, clientOf(request), status);
  }

  /** Who asks: by a token that the registry took, or a password that it did not. */
  function noteUser({ base, query }: Pick<HttpAsked, "base" | "query">, client: string, status: number): void {
    const token = query.get("accessToken");
    // A Nacos 2.3.2 refuses by an answer that breaks HTTP.
    if (base.endsWith("/login") && [401, 403, 502].includes(status)) counters.loginsRefused++;
    if (status === 200 && token !== null && /^\/v[12]\/ns\/instance/.test(base)) shared.logins?.heard(client, token);
  }

  function noteInstance(request: IncomingMessage, query: URLSearchParams, instance: string | undefined): void {
    const client = clientOf(request);
    if (request.method === "POST") {
      const cluster = query.get("clusterName") ?? "";
      clusters.delete(client);
      if (cluster !== "" && cluster.length <= 128) clusters.set(client, cluster);
      for (const oldest of clusters.keys()) {
        if (clusters.size <= MAX_CLUSTERS_KNOWN) break;
        clusters.delete(oldest);
      }
    } else if (request.method === "DELETE" && instance !== undefined) shared.onRemoval?.([instance]);
  }

  const pipelines = new Pipelines();
  const answers = new AnswerWatch({ timeoutMs: options.writeTimeoutMs, clock });
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: 15_000, requestTimeout: 60_000, keepAliveTimeout: 65_000 },
    (request, response) => {
      const { socket } = request;
      response.on("close", () => pipelines.leave(socket));
      if (!pipelines.enter(socket)) {
        counters.broken++;
        socket.destroy();
        return;
      }
      const cut = () => {
        if (socket.destroyed) return;
        counters.broken++;
        socket.destroy();
      };
      const burden = burdens.open(cut);
      answers.begin(response, cut);
      response.on("close", () => {
        burden.end();
        answers.end(response);
      });
      serve(request, response, burden).catch((error: unknown) => {
        const status = error instanceof HttpFault ? error.status : 500;
        if (status === 500) log.error("nacos facade: request failed by a fault of ours", { error: String(error) });
        if (response.headersSent || response.destroyed) response.destroy();
        else {
          const text = error instanceof HttpFault ? error.message : "internal error";
          response.writeHead(status, { "content-type": "text/plain;charset=UTF-8" }).end(text);
          if (!request.complete) request.destroy();
        }
      });
    },
  );
  server.maxConnections = options.maxConnections;
  server.on("connection", (socket) => {
    // Each request that is open listens for its end.
    socket.setMaxListeners(2 * MAX_PIPELINED);
    if (options.allows(socket.remoteAddress ?? "")) return;
    counters.refused++;
    socket.destroy();
  });
  server.on("drop", () => {
    counters.refused++;
  });
  server.on("clientError", (_error, socket) => {
    counters.broken++;
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.listen.port, options.listen.host, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  server.on("error", (error) => log.error("nacos facade: http listener failed", { error: error.message }));
  return {
    port: (server.address() as AddressInfo).port,
    async refuses(token) {
      const asked = { pageNo: "1", pageSize: "1", namespaceId: shared.namespace, accessToken: token };
      const path = `${options.path}/v1/ns/service/list?${new URLSearchParams(asked)}`;
      const status = await askAside({ method: "GET", headers: {}, address: "" }, path);
      if (status !== 200 && status !== 401 && status !== 403) throw new HttpFault(502, `answered ${status}`);
      return status !== 200;
    },
    contextChanged() {
      udp.contextChanged();
      standIns.contextChanged();
      rules.contextChanged();
    },
    close: () =>
      new Promise((resolve) => {
        udp.close();
        server.close(() => resolve());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
}

function clientOf(request: IncomingMessage): string {
  const address = request.socket?.remoteAddress ?? "";
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/** The text of a query whose bytes beyond ASCII are not percent-encoded: Node reads each of them as a letter of Latin-1. */
function asUtf8(query: string): string {
  const bytes = Buffer.from(query, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : query;
}

function split(url: string): readonly string[] {
  const mark = url.indexOf("?");
  return mark < 0 ? [url, ""] : [url.slice(0, mark), url.slice(mark + 1)];
}

/** The JSON of an answer; undefined for what passes as it is, such as text in another charset. */
function parse(body: Buffer): unknown {
  try {
    return JSON.parse(utf8Of(body));
  } catch {
    return undefined;
  }
}

function isHealthy(host: unknown): boolean {
  return typeof host === "object" && host !== null && (host as NacosBody)["healthy"] !== false;
}
