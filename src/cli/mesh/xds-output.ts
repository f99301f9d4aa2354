import type { JsonValue } from "@bufbuild/protobuf";
import { printAddress } from "../../base/address.ts";
import { forgetOldest } from "../../base/bounded.ts";
import type { Latest } from "../../base/latest.ts";
import type { Logger } from "../../base/log.ts";
import type { NodeText } from "../../codecs/xds/discovery.ts";
import {
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type NamedResource,
  type ResourceSet,
  ROUTE_TYPE,
  SCHEMA_TYPE,
  VIRTUAL_HOST_TYPE,
} from "../../codecs/xds/resources.ts";
import type { Secret } from "../../codecs/xds/secret.ts";
import type { ServedList, ServedSet } from "../../codecs/xds/served.ts";
import type { CredentialReaders } from "../../control/ca/credential-readers.ts";
import { withCredentials, withServedSecrets } from "../../control/ca/served-secrets.ts";
import { type Compile, createCompiler } from "../../control/compile/compiler.ts";
import { compileInbound, withInbound } from "../../control/compile/inbound.ts";
import type { ProxyNode } from "../../control/compile/listeners.ts";
import { ServedServices } from "../../control/compile/served-services.ts";
import { clientKind, createServedSource, type ServedSource } from "../../control/compile/served-source.ts";
import type { XdsNode } from "../../control/xds/contracts.ts";
import { keyService } from "../../control/xds/key-service.ts";
import type { XdsServer } from "../../control/xds/server.ts";
import type { XdsClientStatus } from "../../control/xds/status.ts";
import type { Finding } from "../../model/entry.ts";
import { parseIdentity } from "../../model/identity.ts";
import { DEFAULT_MESH, type Locality, type MeshSettings } from "../../model/mesh.ts";
import type { Rule } from "../../model/rule.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { TrestleConfig } from "../config/config.ts";
import type { Callers } from "./callers.ts";
import type { Certificates } from "./certificates.ts";
import { DeniedReaders } from "./denied-readers.ts";
import { listenOf } from "./remote/node.ts";
import type { AskKeys } from "./worker-process.ts";

/** Where gateways of clients listen that name no address of their own. */
const ANY_ADDRESS = "0.0.0.0";
/** Sets with inbound listeners that are kept, one for each place that proxies stand in. */
const MAX_INBOUND_SETS = 5_000;

/** What a node says of its place in the mesh, under Istio's names; what is of another kind is passed over. */
export function placeOf({
  metadata,
  locality,
}: Pick<NodeText, "metadata" | "locality">): Pick<ProxyNode, "namespace" | "labels" | "locality"> {
  const namespace = metadata["NAMESPACE"];
  return {
    ...(typeof namespace === "string" && namespace !== "" && { namespace }),
    labels: textsIn(metadata["LABELS"]),
    ...(locality?.region && { locality: wholeLocality(locality) }),
  };
}

function textsIn(value: JsonValue | undefined): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((one): one is [string, string] => typeof one[1] === "string"));
}

function wholeLocality({ region = "", zone = "", subZone = "" }: NonNullable<NodeText["locality"]>): Locality {
  return { region, zone, subZone };
}

/** A Trestle proxy's resources as they are served to it: the same lists, by type. Secrets are not among them: they are those of whom the connection is. */
export function servedOf({
  version,
  listeners,
  routes,
  virtualHosts,
  clusters,
  endpoints,
  schemas,
}: ResourceSet): ServedSet {
  const types = new Map<string, ServedList>([
    [SCHEMA_TYPE, schemas],
    [CLUSTER_TYPE, clusters],
    [ENDPOINT_TYPE, endpoints],
    [LISTENER_TYPE, listeners],
    [ROUTE_TYPE, routes],
    [VIRTUAL_HOST_TYPE, virtualHosts],
  ]);
  return { version, types };
}

/** Serves what was compiled to clients elsewhere, each in the form that it takes. */
export class XdsOutput {
  readonly #log: Logger;
  readonly #compile: Compile = createCompiler();
  readonly #served: ServedSource;
  #server: XdsServer | undefined;
  #credentials: readonly NamedResource<Secret>[] = [];
  #snapshot: Snapshot | undefined;
  #callers: Callers = {};
  /** What clients are to the compiler, and what they were given last: those who are given the same as before are told so by identity. */
  readonly #nodes = new WeakMap<NodeText, { readonly callers: Callers | undefined; readonly proxy: ProxyNode }>();
  readonly #sets = new WeakMap<ResourceSet, ServedSet>();
  readonly #certificates: Certificates | undefined;
  readonly #mesh: MeshSettings;
  readonly #readers: CredentialReaders | undefined;
  readonly #denied = new DeniedReaders();
  readonly #servedAt = new ServedServices();
  readonly #inbound = new Map<
    string,
    { readonly of: ResourceSet; readonly rules: readonly Rule[]; readonly served: string; readonly set: ResourceSet }
  >();
  readonly #stop = new AbortController();

  /** With an authority, clients that it vouches for are given their secrets, and credentials as far as `readers` lets them. */
  constructor(log: Logger, certificates?: Certificates, mesh = DEFAULT_MESH, readers?: CredentialReaders) {
    this.#readers = readers;
    this.#log = log;
    this.#mesh = mesh;
    this.#certificates = certificates;
    this.#served = createServedSource({
      snapshot: () => this.#snapshot,
      compile: (snapshot, node) => this.#compile(snapshot, this.#otherOf(node)),
    });
  }

  /** Where it listens, `host:port`; undefined before the start. */
  get address(): string | undefined {
    return this.#server?.address;
  }

  /** Its clients and how they stand. */
  clients(): readonly XdsClientStatus[] {
    return this.#server?.clients() ?? [];
  }

  /** What rules ask for and a client cannot do. */
  findings(): readonly Finding[] {
    return [...this.#served.findings(), ...this.#denied.findings()];
  }

  exposeMetrics(): string {
    return this.#server?.exposeMetrics() ?? "";
  }

  /** Serves; `askKeys` is for proxies that miss keys of tokens. Rejects where the address cannot be had. */
  async start({ host, port }: NonNullable<TrestleConfig["xds"]>, askKeys?: AskKeys): Promise<void> {
    // gRPC is loaded by those alone who serve by it.
    const { createXdsServer } = await import("../../control/xds/server.ts");
    this.#server = await createXdsServer({
      listen: printAddress(host, port),
      logger: this.#log.child({ part: "xds" }),
      source: { resourcesFor: (node) => this.resourcesFor(node) },
      identityOf: (certificate) => this.#certificates?.identityOf(certificate),
      services: askKeys === undefined ? [] : [keyService(askKeys)],
    });
    void this.#follow(this.#certificates?.secrets.changes);
    void this.#follow(this.#readers?.changes);
  }

  /** The services of its port, for one that has TLS; none before the start. */
  get services(): XdsServer["services"] {
    return this.#server?.services ?? [];
  }

  /** What there is to serve from now on. */
  update(snapshot: Snapshot, callers: Callers): void {
    if (this.#snapshot !== snapshot) this.#denied.clear();
    this.#snapshot = snapshot;
    // The same as before is the same object, by which nodes are known again.
    if (JSON.stringify(callers) !== JSON.stringify(this.#callers)) this.#callers = callers;
    this.#server?.changed();
  }

  /** The credentials from now on: clients that are known, and listen with them, are given those. */
  setCredentials(credentials: readonly NamedResource<Secret>[]): void {
    this.#credentials = credentials;
    this.#server?.changed();
  }

  /** What a proxy of that namespace beside a workload with those labels is given; undefined while nothing is known. */
  seenFrom(place: Required<Pick<ProxyNode, "namespace" | "labels">>): ResourceSet | undefined {
    const node = { id: "seen", dubbo: [], gatewayAddress: ANY_ADDRESS, ...place };
    return this.#snapshot && this.#compile(this.#snapshot, node);
  }

  /** All that a client is given; undefined while nothing is known. */
  resourcesFor(node: XdsNode): ServedSet | undefined {
    const set = this.#plainFor(node);
    const { identity } = node;
    if (set === undefined || identity === undefined || this.#certificates === undefined) return set;
    const given = withCredentials(set, this.#credentials, (credential) => this.#mayRead(identity, credential));
    return withServedSecrets(given, this.#certificates.secretsOf(identity));
  }

  #mayRead(uri: string, credential: string): boolean {
    const identity = parseIdentity(uri);
    const may = identity === undefined ? false : this.#readers?.mayRead(identity, credential);
    if (may !== undefined) this.#denied.note(uri, credential, may);
    return may === true;
  }

  #plainFor(node: XdsNode): ServedSet | undefined {
    if (clientKind(node) !== "trestle") return this.#served.resourcesFor(node);
    if (this.#snapshot === undefined) return undefined;
    const proxy = this.#proxyOf(node);
    const set = this.#withInbound(this.#compile(this.#snapshot, proxy), proxy, this.#snapshot);
    let served = this.#sets.get(set);
    if (served === undefined) {
      served = servedOf(set);
      this.#sets.set(set, served);
    }
    return served;
  }

  /** A Trestle proxy as the compiler knows it; the same while callers stay. */
  #proxyOf(node: XdsNode): ProxyNode {
    const known = this.#nodes.get(node);
    if (known?.callers === this.#callers) return known.proxy;
    const listens = listenOf(node) ?? { id: node.id, dubbo: [] };
    // Like the proxies of this process it stands before many callers.
    const proxy: ProxyNode = { ...listens, ...placeOf(node), ...this.#callers, isShared: true };
    this.#nodes.set(node, { callers: this.#callers, proxy });
    return proxy;
  }

  #otherOf(node: NodeText): ProxyNode {
    let known = this.#nodes.get(node)?.proxy;
    if (known === undefined) {
      known = { id: "other", dubbo: [], gatewayAddress: ANY_ADDRESS, ...placeOf(node) };
      this.#nodes.set(node, { callers: undefined, proxy: known });
    }
    return known;
  }

  /** Nodes of the same providers, and one node after a change that is none of theirs, get the same lists again. */
  #withInbound(set: ResourceSet, { inbound = [], namespace }: ProxyNode, { entries, rules }: Snapshot): ResourceSet {
    if (inbound.length === 0) return set;
    // Policies choose the providers by the namespace of the proxy beside them.
    const mesh = namespace === undefined ? this.#mesh : { ...this.#mesh, namespace };
    const key = JSON.stringify([mesh.namespace, inbound]);
    const served = inbound.flatMap(({ listen, to }) => this.#servedAt.at(entries, [listen, to])).join();
    const known = this.#inbound.get(key);
    if (known?.of === set && known.rules === rules && known.served === served) return known.set;
    const whole = withInbound(set, compileInbound(inbound, { entries, rules, mesh }, this.#servedAt));
    this.#inbound.delete(key);
    this.#inbound.set(key, { of: set, rules, served, set: whole });
    forgetOldest(this.#inbound, MAX_INBOUND_SETS);
    return whole;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#server?.close();
  }

  async #follow(changes: Latest<number> | undefined): Promise<void> {
    if (changes === undefined) return;
    for await (const _ of changes.watch(this.#stop.signal)) this.#server?.changed();
  }
}
