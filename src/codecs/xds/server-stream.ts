/**
 * The server's side of an xDS stream, without I/O: state-of-the-world or delta, all types (ADS) or one.
 *
 * At most one response of each type waits for its answer; what changes meanwhile is in the next one. Types go out in an order that
 * never lets a route lead nowhere: clusters, endpoints, listeners, routes, each once the client has answered what came before; then what
 * is gone, the other way round. Source: xds_protocol.rst of Envoy's API documentation.
 */
import { ProtocolError } from "../../base/errors.ts";
import type { NodeText, XdsRequest, XdsResponse } from "./discovery.ts";
import type { Variant } from "./discovery-bytes.ts";
import { textsOf, UNKNOWN } from "./former.ts";
import {
  CLUSTER_TYPE,
  DUBBO_ROUTE_TYPE,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
  SCHEMA_TYPE,
  VIRTUAL_HOST_TYPE,
} from "./resources.ts";
import { listVersion, type ServedResource, type ServedSet } from "./served.ts";
import {
  type RefusedResponse,
  type SentResponse,
  SHOWN_NAMES,
  Subscription,
  type WaitingResponse,
} from "./subscription.ts";

/** Types of resources in the order in which they are sent; all others come after them. */
const ORDER: readonly string[] = [
  SCHEMA_TYPE,
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
  VIRTUAL_HOST_TYPE,
  DUBBO_ROUTE_TYPE,
];

const RANKS: ReadonlyMap<string, number> = new Map(ORDER.map((typeUrl, at) => [typeUrl, at]));

/** Types that lead to clusters. */
const ROUTING: readonly string[] = [LISTENER_TYPE, ROUTE_TYPE, VIRTUAL_HOST_TYPE, DUBBO_ROUTE_TYPE];

/** Types of which a client may need what is gone, as long as it goes on with listeners or routes of before. */
const KEPT: readonly string[] = [CLUSTER_TYPE, ENDPOINT_TYPE, ROUTE_TYPE];

const NONE: readonly string[] = [];

/** What a request meant. */
export type ServerStreamEvent =
  | { readonly type: "node"; readonly node: NodeText }
  | { readonly type: "ack"; readonly typeUrl: string; readonly response: SentResponse }
  | { readonly type: "nack"; readonly typeUrl: string; readonly response: RefusedResponse }
  /** The client had not seen the last response yet. */
  | { readonly type: "stale"; readonly typeUrl: string };

/** How a stream is set up; limits are per stream. */
export interface ServerStreamOptions {
  readonly variant: Variant;
  /** The only type of the stream; absent: all types. */
  readonly typeUrl?: string;
  readonly maxTypes?: number;
  /** Names that are asked for, of all types together. */
  readonly maxNames?: number;
  /** Their characters, together. */
  readonly maxNameChars?: number;
  /** What is gone of a type and may still be needed by a client that refuses what is new; of more than that nothing is kept. */
  readonly maxKept?: number;
  /** Resources of a delta response: more go in several. */
  readonly maxResources?: number;
}

/** One type of a stream, for those who look at it. */
export type SubscriptionView = Pick<
  Subscription,
  "typeUrl" | "wildcard" | "names" | "waiting" | "acked" | "refused" | "list" | "hasNews"
>;

/** See the head of the file. Requests go in by `receive`, the newest set by `publish`, responses out by `takeResponse`. */
export class ServerStream {
  readonly #options: Required<Omit<ServerStreamOptions, "typeUrl">> & Pick<ServerStreamOptions, "typeUrl">;
  readonly #types = new Map<string, Subscription>();
  #ordered: readonly Subscription[] = [];
  #set: ServedSet | undefined;
  #node: NodeText | undefined;
  #nonces = 0;

  constructor(options: ServerStreamOptions) {
    this.#options = {
      maxTypes: 64,
      maxNames: 100_000,
      maxNameChars: 8 * 1024 * 1024,
      maxKept: 10_000,
      maxResources: 1_000,
      ...options,
    };
  }

  get node(): NodeText | undefined {
    return this.#node;
  }

  /** What the stream has been asked for. */
  get subscriptions(): readonly SubscriptionView[] {
    return this.#ordered;
  }

  /** Whether the client has been sent all that it wants and has answered all that it was sent. */
  get isSettled(): boolean {
    return this.#ordered.every((one) => one.waiting === undefined && !one.hasNews && this.#mayGo(one).length === 0);
  }

  /** Takes a request. Throws a `ProtocolError` for one of another type or variant than the stream's, and for more than the limits allow. */
  receive(request: XdsRequest): ServerStreamEvent[] {
    const typeUrl = this.#typeOf(request);
    const events: ServerStreamEvent[] = [];
    if (this.#node === undefined) {
      if (request.node === undefined) throw new ProtocolError("xds", "the first request of a stream has no node", 0);
      this.#node = request.node;
      events.push({ type: "node", node: request.node });
    }
    const one = this.#subscription(typeUrl);
    const answered = request.nonce !== "" && request.nonce === one.nonce;
    // The nonce of an earlier stream says nothing here.
    const isStale = request.nonce !== "" && one.nonce !== "" && !answered;
    if (isStale) events.push({ type: "stale", typeUrl });
    if (answered && one.waiting !== undefined) events.push(this.#answered(one, one.waiting, request));
    if (request.variant === "delta") one.takeChanges(request);
    // A newer request follows once the client has seen the last response; it has the names.
    else if (!isStale) one.takeNames(request.names, answered, request.error !== undefined);
    this.#checkNames();
    return events;
  }

  /** What the client may be given from now on. */
  publish(set: ServedSet): void {
    this.#set = set;
  }

  /** The next response to send; undefined while there is none. Resources are those of the newest set. */
  takeResponse(): XdsResponse | undefined {
    const set = this.#set;
    if (set === undefined) return undefined;
    for (const one of this.#ordered) one.refresh(set);
    for (const one of this.#ordered) {
      if (one.waiting !== undefined) return this.#soon(one);
      if (!one.hasNews) continue;
      const isLast = this.#ordered.every((other) => other === one || (!other.hasNews && other.waiting === undefined));
      return this.#respond(one, isLast || one.isTogether ? this.#mayGo(one) : NONE);
    }
    // No type has news and none waits: what no route names any more may go.
    for (let at = this.#ordered.length - 1; at >= 0; at--) {
      const one = this.#ordered[at]!;
      const gone = this.#mayGo(one);
      if (gone.length > 0) return this.#respond(one, gone);
    }
    return undefined;
  }

  /**
   * While one type waits for its answer, those that do not depend on it may go on. Envoy answers for its clusters only once it has the
   * endpoints and secrets that new ones need (it pauses CDS while clusters warm), so these are never held back by them.
   */
  #soon(waiting: Subscription): XdsResponse | undefined {
    const isCluster = waiting.typeUrl === CLUSTER_TYPE;
    if (rank(waiting.typeUrl) < ORDER.length && !isCluster) return undefined;
    for (const one of this.#ordered) {
      if (one.waiting !== undefined || !one.hasNews) continue;
      if (rank(one.typeUrl) === ORDER.length || (isCluster && one.typeUrl === ENDPOINT_TYPE))
        return this.#respond(one, NONE);
    }
    return undefined;
  }

  /**
   * What is gone of a type and may be taken from the client: not what it still goes by, where it has refused newer listeners or routes.
   */
  #mayGo({ typeUrl, gone }: Subscription): readonly string[] {
    if (gone.size === 0) return NONE;
    const names = [...gone.keys()];
    const isKept = KEPT.includes(typeUrl) && gone.size <= this.#options.maxKept ? this.#isKept(typeUrl) : undefined;
    return isKept === undefined ? names : names.filter((name) => !isKept(name));
  }

  /** Undefined where the client goes on with nothing that the newest set has not. */
  #isKept(typeUrl: string): ((name: string) => boolean) | undefined {
    const routes = this.#types.get(ROUTE_TYPE);
    const kept: ServedResource[] = [];
    for (const one of typeUrl === ROUTE_TYPE ? [LISTENER_TYPE] : ROUTING)
      kept.push(...(this.#types.get(one)?.kept ?? []));
    if (kept.length === 0) return undefined;
    if (kept.includes(UNKNOWN)) return () => true;
    // A listener's route configuration may be gone, and is in force with it.
    for (const route of routes?.gone.values() ?? [])
      if (typeUrl !== ROUTE_TYPE && kept.some((one) => textsOf(one).has(route.name))) kept.push(route);
    const isNamed = (name: string) => kept.some((one) => textsOf(one).has(name));
    if (typeUrl !== ENDPOINT_TYPE) return isNamed;
    const services = new Set<string>();
    const clusters = this.#types.get(CLUSTER_TYPE);
    for (const cluster of clusters?.gone.values() ?? [])
      if (isNamed(cluster.name)) for (const text of textsOf(cluster)) services.add(text);
    return (name) => services.has(name) || isNamed(name);
  }

  #respond(one: Subscription, gone: readonly string[]): XdsResponse {
    const again = one.typeUrl === CLUSTER_TYPE && this.#namesEndpoints() ? one.due.list() : [];
    const response = this.#options.variant === "delta" ? this.#deltaResponse(one, gone) : this.#sotwResponse(one, gone);
    const names = response.resources.slice(0, SHOWN_NAMES).map(({ name }) => name);
    const { nonce, version, resources, removed } = response;
    one.send({ nonce, version, names, resources, removed });
    this.#endpointsAgain(one, again);
    return response;
  }

  #deltaResponse(one: Subscription, gone: readonly string[]): XdsResponse {
    const maxResources = one.isTogether ? Number.POSITIVE_INFINITY : this.#options.maxResources;
    const removed: string[] = [];
    one.dueAgain();
    let resources = one.due.takeAll(maxResources);
    if (resources === undefined) {
      const found: ServedResource[] = [];
      for (const name of one.due.take(maxResources)) {
        const resource = one.find(name);
        if (resource !== undefined) found.push(resource);
        else removed.push(name);
        one.gone.delete(name);
      }
      resources = found;
    }
    one.owes = false;
    if (one.due.size === 0) for (const name of gone) if (one.gone.delete(name)) removed.push(name);
    return { ...this.#head(one), resources, removed };
  }

  #sotwResponse(one: Subscription, gone: readonly string[]): XdsResponse {
    const resources = one.current();
    one.due.clear();
    one.owes = false;
    // Until routes have changed, what they may still name is there.
    for (const name of gone) one.gone.delete(name);
    resources.push(...one.gone.values());
    return { ...this.#head(one), resources, removed: [] };
  }

  #head(one: Subscription): Pick<XdsResponse, "typeUrl" | "version" | "nonce"> {
    return { typeUrl: one.typeUrl, version: listVersion(one.list), nonce: `${++this.#nonces}` };
  }

  #namesEndpoints(): boolean {
    return (this.#types.get(ENDPOINT_TYPE)?.names.size ?? 0) > 0;
  }

  /**
   * Envoy waits for the endpoints of a cluster that changed, whether it has them or not (envoyproxy/envoy#13009): they are sent again.
   */
  #endpointsAgain(clusters: Subscription, changed: readonly string[]): void {
    const endpoints = this.#types.get(ENDPOINT_TYPE);
    if (endpoints === undefined) return;
    for (const name of changed) {
      const found = clusters.find(name)?.resource as { readonly edsClusterConfig?: { readonly serviceName?: string } };
      const service = found?.edsClusterConfig?.serviceName || name;
      if (found !== undefined && endpoints.names.has(service)) endpoints.due.add(service);
    }
  }

  #answered(one: Subscription, response: WaitingResponse, { error, variant }: XdsRequest): ServerStreamEvent {
    const { typeUrl } = one;
    return error === undefined
      ? { type: "ack", typeUrl, response: one.accept(response, variant === "sotw") }
      : { type: "nack", typeUrl, response: one.refuse(response, error.message, variant === "sotw") };
  }

  #typeOf(request: XdsRequest): string {
    const { typeUrl: own, variant } = this.#options;
    if (request.variant !== variant)
      throw new ProtocolError("xds", `a ${request.variant} request on a ${variant} stream`, 0);
    const typeUrl = request.typeUrl || own;
    if (typeUrl === undefined) throw new ProtocolError("xds", "a request of a stream for all types has no type_url", 0);
    if (own !== undefined && typeUrl !== own)
      throw new ProtocolError("xds", `a request for ${typeUrl.slice(0, 200)} on a stream for ${own}`, 0);
    return typeUrl;
  }

  #subscription(typeUrl: string): Subscription {
    const known = this.#types.get(typeUrl);
    if (known !== undefined) return known;
    const { maxTypes } = this.#options;
    if (this.#types.size >= maxTypes) throw new ProtocolError("xds", `more than ${maxTypes} types on a stream`, 0);
    const made = new Subscription(typeUrl, ROUTING.includes(typeUrl));
    if (this.#set !== undefined) made.refresh(this.#set);
    this.#types.set(typeUrl, made);
    this.#ordered = [...this.#types.values()].sort((a, b) => rank(a.typeUrl) - rank(b.typeUrl));
    return made;
  }

  #checkNames(): void {
    const { maxNames, maxNameChars } = this.#options;
    let [count, chars] = [0, 0];
    for (const { names, nameChars } of this.#ordered) {
      count += names.size;
      chars += nameChars;
    }
    if (count > maxNames) throw new ProtocolError("xds", `a stream asks for ${count} names, over ${maxNames}`, 0);
    if (chars > maxNameChars)
      throw new ProtocolError("xds", `a stream asks for names of ${chars} characters, over ${maxNameChars}`, 0);
  }
}

function rank(typeUrl: string): number {
  return RANKS.get(typeUrl) ?? ORDER.length;
}
