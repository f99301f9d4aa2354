import { CallError } from "../../base/errors.ts";
import { type OwnAnswer, ownAnswer } from "../../codecs/dubbo2/status.ts";
import { type Fields, fieldValue } from "../../codecs/fields.ts";
import { plainPath } from "../../codecs/request-path.ts";
import { parseRequestHead } from "../../codecs/triple/head.ts";
import { hostName } from "../../codecs/xds/authority.ts";
import { isCallable } from "../../codecs/xds/gateway-route.ts";
import type { HeaderLines } from "../../codecs/xds/header-lines.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { Denial } from "../authz/asked.ts";
import type { Peer } from "../authz/peer.ts";
import { answerTo } from "../authz/reply.ts";
import type { ProxyContext } from "../context.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import { ownReply } from "../triple/answers.ts";
import type { CallerStream } from "../triple/caller-stream.ts";
import type { CreateEntrance, Entrance } from "../triple/entrance.ts";
import { guardLane } from "../triple/guard.ts";
import { HeldRequest } from "../triple/held-request.ts";
import type { TripleLane } from "../triple/lanes.ts";
import type { Arrived, ServedRequest } from "../triple/served.ts";
import { serveCall } from "../triple/watch.ts";
import { type Carried, carriedBy } from "./carried.ts";
import { innerFields } from "./fields.ts";
import { HttpRequest } from "./http-request.ts";
import { OutsideStream } from "./outside-stream.ts";
import { answerOfHttp, OwnAnswered, Refused } from "./own-answer.ts";
import { type GatewayHost, type GatewayRoute, type GatewayTable, isEmpty, linesIn, lookupIn } from "./table.ts";

/** Requests that have content: a page of another origin can send one without asking, unless its type is one of ours. */
const WITH_CONTENT = new Set(["POST", "PUT", "PATCH"]);

/** What is known of all requests with one and the same header list. */
interface Admission {
  readonly table: GatewayTable;
  readonly lane: TripleLane;
  readonly fields: Fields;
  /** For the answer's head. */
  readonly added: Fields;
}

/** A request's head, taken apart. */
interface Request {
  readonly fields: Fields;
  readonly path: string;
  /** With its question mark; `""` for none. */
  readonly query: string;
  readonly verb: string;
  readonly origin: string | undefined;
  readonly lookup: HeaderLookup;
  readonly lines: HeaderLines;
}

/** The entrance of callers outside the mesh: Host and path choose among the routes of a gateway's port, and nothing else is reached. */
class GatewayEntrance implements Entrance {
  /** Requests to services that speak HTTP are carried, not held; calls have bounds of their own. */
  readonly maxContentBytes = Number.MAX_SAFE_INTEGER;
  readonly #context: ProxyContext;
  readonly #config: () => RuntimeConfig;
  readonly #table: () => GatewayTable;
  readonly #peer: Peer;
  readonly #scheme: "http" | "https";
  readonly #carried = new WeakMap<Fields, Carried & { readonly table: GatewayTable }>();
  readonly #admissions = new WeakMap<Fields, Admission>();

  constructor(
    context: ProxyContext,
    config: () => RuntimeConfig,
    peer: Peer,
    { table, scheme }: { readonly table: () => GatewayTable; readonly scheme: "http" | "https" },
  ) {
    this.#context = context;
    this.#config = config;
    this.#table = table;
    this.#peer = peer;
    this.#scheme = scheme;
  }

  admit(arrived: Arrived, hasWaited = false): ServedRequest {
    const { head, stream } = arrived;
    let { shared } = arrived;
    const table = this.#table();
    let admission = shared ? this.#admissions.get(head.fields) : undefined;
    if (admission?.table !== table) {
      const known = shared ? this.#carried.get(head.fields) : undefined;
      if (known?.table === table) return this.#carry(arrived, known);
      const host = table.hostFor(fieldValue(head.fields, ":authority") || fieldValue(head.fields, "host") || "");
      const request = readRequest(head.fields, this.#scheme, host?.carriesHttp === true);
      if (host?.resource.requireTls !== undefined && this.#scheme === "http") return this.#toHttps(arrived, request);
      const preflight = isPreflight(request) ? this.#preflight(arrived, request, host) : undefined;
      if (preflight !== undefined) return preflight;
      const found = host?.find(request, hasWaited);
      if (isDenial(found)) return this.#refuse(arrived, request, found);
      if (host?.asksClaims === true || (shared && typeof found === "object" && isEmpty(found))) shared = false;
      if (typeof found !== "object" && host !== undefined && isOpenApi(request)) return this.#describe(arrived, host);
      const to = found === undefined || found === "verb" ? stream : withFields(stream, corsFields(found, request));
      try {
        if (host !== undefined && typeof found === "object" && found.isHttp) {
          const taken = { ...request, scheme: this.#scheme, host, route: found, hasWaited };
          const carried = carriedBy(head, taken, corsFields(found, request));
          if (shared) this.#carried.set(head.fields, { ...carried, table });
          return this.#carry(arrived, carried);
        }
        admission = this.#admit(table, request, found, shared);
      } catch (error) {
        if (error instanceof Refused) return this.#answer(arrived, to, error.answer, error.message);
        if (!(error instanceof CallError)) throw error;
        return this.#answer(arrived, to, ownAnswer(error.reason), error.message);
      }
      if (shared) this.#admissions.set(head.fields, admission);
    }
    const { lane, fields, added } = admission;
    const inner = { fields, never: head.never, end: head.end };
    return serveCall(this.#context, { ...arrived, stream: withFields(stream, added), head: inner, shared }, () => lane);
  }

  /** Has a request carried as it is. */
  #carry({ port, stream, head: { end }, sinceMs }: Arrived, { head, decision, added }: Carried): ServedRequest {
    const { routes } = this.#config();
    const to = new OutsideStream(stream, added);
    const parts = { head, end, decision, routes, peer: this.#peer, sinceMs };
    return new HttpRequest({ context: this.#context, port, stream: to, ...parts });
  }

  #admit(table: GatewayTable, request: Request, found: GatewayRoute | "verb" | undefined, shared: boolean): Admission {
    if (found === "verb") throw new Refused(answerOfHttp(405), `${request.path} does not take ${request.verb}`);
    const method = found?.methodOf(request.path) ?? "";
    const isDirect = found?.compiled.directStatus !== undefined;
    const isCall = found !== undefined && isCallable(method) && (found.namesVerb || request.verb === "POST");
    if (found !== undefined && !isCall && isEmpty(found))
      throw new Refused(ownAnswer("no_endpoint"), found.compiled.targets[0]!.cluster.noProvider);
    if (found === undefined || (!isDirect && !isCallable(method)))
      throw new Refused(ownAnswer("no_route"), "nothing is exposed by this host and path");
    const decision = found.decisionFor(isDirect ? "" : method.split("~", 1)[0]!);
    const { path: _, query, fields: received, verb } = request;
    const fields = innerFields(received, {
      service: decision.host.key,
      method: method || "direct",
      query,
      address: this.#peer.address,
    });
    const head = parseRequestHead(fields);
    if (!isDirect && head.kind === "http" && WITH_CONTENT.has(verb))
      throw new Refused(answerOfHttp(415), "content must be application/json, or gRPC's");
    const lane: TripleLane = {
      config: this.#config(),
      head,
      decision,
      route: found.compiled,
      needsMessage: false,
      refusal: undefined,
      header: request.lookup,
      address: this.#peer.address,
      callerTimeoutMs: head.timeoutMs ?? Number.POSITIVE_INFINITY,
      tag: "",
      tagForced: false,
      sent: shared ? new Map() : undefined,
      outside: true,
    };
    const guarded = guardLane(lane, this.#peer, fields);
    return { table, lane: guarded, fields, added: corsFields(found, request) };
  }

  /** Refuses a request whose route its token was to choose, or has it wait for the token's key. */
  #refuse(arrived: Arrived, { path }: Request, denial: Denial): ServedRequest {
    const context = this.#context;
    const { later, policy, message } = denial;
    if (later !== undefined) {
      const serve = (again: Arrived) => this.admit(again, true);
      const caller = this.#peer.address;
      return new HeldRequest({ context, arrived, later, caller, timeLeftMs: Number.POSITIVE_INFINITY, serve });
    }
    context.authz.denied(policy, { peer: this.#peer, path });
    return this.#answer(arrived, arrived.stream, answerTo(denial), message);
  }

  /** Sends a request to the same place by https, at its usual port. */
  #toHttps(arrived: Arrived, { fields }: Request): ServedRequest {
    const name = hostName(fieldValue(fields, ":authority") || fieldValue(fields, "host") || "");
    const target = fieldValue(fields, ":path") ?? "";
    const location = `https://${name}${target.startsWith("/") ? target : "/"}`;
    const reply = { fields: [":status", "301", "location", location, "content-length", "0"], body: undefined };
    return this.#reply(arrived, arrived.stream, reply, undefined);
  }

  /** Answers a preflight request; undefined where it goes on as any request does. */
  #preflight(arrived: Arrived, request: Request, host: GatewayHost | undefined): ServedRequest | undefined {
    const verb = fieldValue(request.fields, "access-control-request-method")!;
    const found = host?.find({
      ...request,
      verb,
      lookup: (name) => (name === ":method" ? verb : request.lookup(name)),
    });
    if (found === undefined)
      return this.#answer(arrived, arrived.stream, ownAnswer("no_route"), "nothing is exposed by this host and path");
    if (isDenial(found)) return this.#answer(arrived, arrived.stream, answerTo(found), found.message);
    // A service that speaks HTTP answers for itself, where no rule does.
    if (found !== "verb" && found.isHttp && found.cors === undefined) return undefined;
    const cors = found === "verb" ? undefined : found.cors;
    const allowed = cors === undefined ? [] : cors.preflight(request.origin!);
    if (allowed === undefined) return undefined;
    const reply = { fields: [":status", "204", ...allowed], body: undefined };
    return this.#reply(arrived, arrived.stream, reply, undefined);
  }

  #describe(arrived: Arrived, host: GatewayHost): ServedRequest {
    const body = host.openApi((name) => this.#config().schemaOf(name));
    const fields = [":status", "200", "content-type", "application/json", "content-length", String(body.length)];
    return this.#reply(arrived, arrived.stream, { fields, body }, undefined);
  }

  #answer(arrived: Arrived, stream: CallerStream, answer: OwnAnswer, message: string): ServedRequest {
    return this.#reply(arrived, stream, ownReply(arrived.head.fields, answer, message), answer);
  }

  #reply(
    { port, head }: Arrived,
    stream: CallerStream,
    reply: ReturnType<typeof ownReply>,
    answer: OwnAnswer | undefined,
  ): ServedRequest {
    return new OwnAnswered({ context: this.#context, port, stream, reply, answer, ended: head.end });
  }
}

function isDenial(found: ReturnType<GatewayHost["find"]>): found is Denial {
  return typeof found === "object" && "reason" in found;
}

/** Makes the entrances of a gateway's port; `table` gives the routes in force, another object after every change. */
export function gatewayEntrance(table: () => GatewayTable, scheme: "http" | "https" = "http"): CreateEntrance {
  return (context, config, peer) => new GatewayEntrance(context, config, peer, { table, scheme });
}

/** `isHttp`: some routes carry requests as they are; paths are then without what nobody needed to encode. */
function readRequest(fields: Fields, scheme: string, isHttp: boolean): Request {
  const target = fieldValue(fields, ":path") ?? "";
  const behind = target.search(/[?#]/);
  const query = behind < 0 || target[behind] === "#" ? "" : target.slice(behind).split("#", 1)[0]!;
  const path = behind < 0 ? target : target.slice(0, behind);
  return {
    fields,
    path: isHttp ? plainPath(path) : path,
    query,
    verb: fieldValue(fields, ":method") ?? "",
    origin: fieldValue(fields, "origin"),
    lookup: lookupIn(fields, query, scheme),
    lines: linesIn(fields),
  };
}

function isPreflight({ verb, origin, fields }: Request): boolean {
  return (
    verb === "OPTIONS" && origin !== undefined && fieldValue(fields, "access-control-request-method") !== undefined
  );
}

function isOpenApi({ verb, path }: Request): boolean {
  return verb === "GET" && path === "/openapi.json";
}

function corsFields(route: GatewayRoute, { origin }: Request): Fields {
  return origin === undefined || route.cors === undefined ? [] : route.cors.answer(origin);
}

function withFields(stream: CallerStream, added: Fields): CallerStream {
  return new OutsideStream(stream, added);
}
