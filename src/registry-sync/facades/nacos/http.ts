import { isUtf8 } from "node:buffer";
import { Agent, type IncomingMessage, type ServerResponse } from "node:http";
import { utf8Of } from "../../../codecs/nacos/body.ts";
import {
  answeredInstances,
  answeredNames,
  nacosHttpKind,
  readServiceQuery,
  withoutUdp,
} from "../../present/nacos-http.ts";
import { pageQuestion, presentNamePage } from "../../present/nacos-list.ts";
import type { Burden } from "../burdens.ts";
import type { UpstreamHost } from "../hosts.ts";
import { hidesRule } from "./hidden-rules.ts";
import { httpClient, isLogin, noteUser } from "./http-client.ts";
import { HttpLists } from "./http-lists.ts";
import { HttpRules, type RulesAsked } from "./http-rules.ts";
import { type HttpServerOptions, listenHttp } from "./http-server.ts";
import { type HttpAsked, HttpStandIns } from "./http-stand-ins.ts";
import { type HttpAsker, HttpFault, HttpUpstream, readBody } from "./http-upstream.ts";
import type { SessionShared } from "./session-shared.ts";
import { UdpPushes } from "./udp.ts";

/** What {@link createNacosHttp} needs. */
export interface NacosHttpOptions extends Omit<HttpServerOptions, "counters"> {
  readonly shared: SessionShared;
  /** Milliseconds since 1970 by the machine's date: what pushes are dated by. */
  readonly wallNow: () => number;
  readonly upstream: readonly UpstreamHost[];
  /** Path below which the API stands, such as `/nacos`. */
  readonly path: string;
  readonly connectTimeoutMs: number;
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
/** How often a list is looked at that waits for the proxies, ms. */
const LOOK_MS = 100;

/** Serves the HTTP API: lists are changed, what is a client's passes, the rest is refused. Rejects when the address cannot be listened on. */
export async function createNacosHttp(options: NacosHttpOptions): Promise<NacosHttp> {
  const { shared, clock, burdens } = options;
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
    hides: (config, { address, application }) =>
      hidesRule(config, { ...shared, clientAddress: address, application: () => application }),
  });
  const standIns = new HttpStandIns({
    registering: () => shared.context().registering,
    now: () => clock.now(),
    send: ({ path, ...asker }) => askAside(asker, path),
  });
  const lists = new HttpLists({ shared, clock, udp });

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
    const client = httpClient(request, query);
    const question = readServiceQuery(query);
    const passes = question.namespace !== shared.namespace || shared.context().passesClient(client);
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
    noteUser({ base: base ?? "", query, address: client.address, status: answer.status }, counters, shared.logins);
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
    const { shown, subscribe } = await lists.show(question, client.address, list.info);
    sendChanged(list.with(shown.info));
    subscribe();
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
    const client = httpClient(request, asked.query);
    const about = { ...asked, method: request.method ?? "", client, holdMs, response };
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
    const { address } = httpClient(request, asked.query);
    const given = standIns.toServer({ ...asked, method, headers, address });
    if (/^\/v[12]\/ns\/instance$/.test(asked.base)) noteInstance(request, asked.query, given.instance);
    const path = given.rawQuery === asked.rawQuery ? (request.url ?? "") : `${asked.path}?${given.rawQuery}`;
    const forwarded = { path, body: given.body, burden };
    const note = (status: number, said?: Buffer) =>
      noteUser({ ...asked, address, status }, counters, shared.logins, said);
    try {
      if (shared.logins !== undefined && isLogin(asked.base)) {
        const answer = await upstream.fetch(request, { ...forwarded, maxBytes: MAX_REQUEST_BYTES });
        note(answer.status, answer.body);
        upstream.reply(response, answer);
        return;
      }
      const status = await upstream.pass(request, response, forwarded);
      if (status === 200) given.taken();
      note(status);
    } catch (error) {
      if (error instanceof HttpFault) note(error.status);
      throw error;
    }
  }

  function noteInstance(request: IncomingMessage, query: URLSearchParams, instance: string | undefined): void {
    if (request.method === "POST") lists.registered(httpClient(request, query).address, query.get("clusterName") ?? "");
    else if (request.method === "DELETE" && instance !== undefined) shared.onRemoval?.([instance]);
  }

  const server = await listenHttp({ ...options, counters }, serve);
  return {
    port: server.port,
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
    close() {
      udp.close();
      const closed = server.close();
      agent.destroy();
      return closed;
    },
  };
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
