import { forgetOldest } from "../../base/bounded.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";
import type { Entry } from "../../model/entry.ts";
import { entryChanges } from "../../model/entry-changes.ts";
import { hashText } from "../../model/hash-text.ts";
import type { Rule } from "../../model/rule.ts";
import type { Sidecar } from "../../model/rules/sidecar.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { RuleClient } from "../rules/client.ts";
import { compareText } from "../rules/findings.ts";
import { CarriedEntries } from "../rules/hosts.ts";
import { sidecarOf } from "../rules/sidecars.ts";
import { type ClientFacts, clientFacts } from "./client-facts.ts";
import { named } from "./compile-need.ts";
import { isCarried } from "./endpoints.ts";
import type { CompiledGateways } from "./gateways.ts";
import { compileListeners, type ProxyNode } from "./listeners.ts";
import { RuleWorld } from "./rule-world.ts";
import { Variants } from "./variants.ts";
import { type EntryMoves, type SharedParts, View, type ViewResources } from "./view.ts";

/** Compiles what one proxy needs; a function of its two arguments alone, whatever was compiled before. */
export type Compile = (snapshot: Snapshot, node: ProxyNode) => ResourceSet;

/** Most kinds of clients that are remembered; the one that was asked for longest ago is forgotten first. */
const MAX_VIEWS = 4_096;

/** Most nodes whose listeners are remembered. */
const MAX_NODES = 10_000;

/** {@link createCompiler} without a memory; for one use. */
export const compile: Compile = (snapshot, node) => createCompiler()(snapshot, node);

/**
 * A compiler that remembers what it made of each entry, by identity: after one entry of many changed, only what depends on that
 * one is made again, and lists in which nothing changed are the same lists. Entries are told apart by a comparison of references.
 * Nodes that rules cannot tell apart are given the same lists.
 */
export function createCompiler(): Compile {
  const memory = new CompilerMemory();
  return (snapshot, node) => memory.compile(snapshot, node);
}

class CompilerMemory {
  readonly #index = new CarriedEntries();
  readonly #shared: SharedParts = {
    index: this.#index,
    hosts: new Variants(),
    clusters: new Variants(),
    lists: new Map(),
  };
  readonly #views = new Map<string, View>();
  readonly #places = new WeakMap<ProxyNode, Place>();
  readonly #listeners = new Map<string, ListenerMemory>();
  #given: Snapshot | undefined;
  #rules: readonly Rule[] = [];
  #world: RuleWorld | undefined;
  #facts: ClientFacts = clientFacts([]);
  #entries: readonly Entry[] = [];
  /** From the entries of earlier snapshots to those of this one. */
  #moves = new WeakMap<readonly Entry[], EntryMoves>();
  #schemas: { readonly given: Snapshot["schemas"]; readonly named: ResourceSet["schemas"]; readonly version: string } =
    {
      given: [],
      named: [],
      version: "",
    };

  compile(snapshot: Snapshot, node: ProxyNode): ResourceSet {
    if (snapshot !== this.#given) this.#take(snapshot);
    const place = this.#placeOf(node);
    const taken = this.#viewOf(place).take(snapshot, { world: this.#world!, sidecar: place.sidecar }, (before) =>
      this.#movesSince(before.entries),
    );
    const { made } = place;
    const { ports } = taken.gateways;
    const { named: schemas, version } = this.#schemas;
    if (made !== undefined && made.of === taken && made.set.schemas === schemas) return made.set;
    const listens = made?.listens.ports === ports ? made.listens : this.#listenersOf(node, ports);
    const { routes, virtualHosts, clusters, endpoints } = taken;
    const set = {
      version: `${taken.version}.${listens.version}${version}`,
      listeners: listens.listeners,
      routes,
      virtualHosts,
      clusters,
      endpoints,
      schemas,
    };
    place.made = { of: taken, listens, set };
    return set;
  }

  #take(snapshot: Snapshot): void {
    this.#given = snapshot;
    this.#moves = new WeakMap();
    this.#shared.lists.clear();
    const protocols = snapshot.protocols.join();
    const before = this.#world;
    const isSame = before?.protocols === protocols && before.mesh === snapshot.mesh;
    if (!isSame || !sameElements(this.#rules, snapshot.rules)) {
      this.#rules = snapshot.rules;
      this.#world = new RuleWorld(snapshot.rules, snapshot.mesh, protocols, before);
      this.#facts = clientFacts(this.#world.rules);
      if (before?.protocols !== protocols) this.#forgetEntries();
    }
    const { gone, came } = entryChanges(this.#entries, snapshot.entries);
    this.#entries = snapshot.entries;
    for (const entry of gone) this.#index.delete(entry);
    for (const entry of came) if (isCarried(entry, snapshot.protocols)) this.#index.add(entry);
    if (this.#schemas.given !== snapshot.schemas) {
      const list = snapshot.schemas.map(named);
      this.#schemas = {
        given: snapshot.schemas,
        named: list,
        version: `.${hashText(list.map(({ version }) => version).join())}`,
      };
    }
  }

  #movesSince(entries: readonly Entry[]): EntryMoves {
    let moves = this.#moves.get(entries);
    if (moves === undefined) {
      moves = entryChanges(entries, this.#entries);
      this.#moves.set(entries, moves);
    }
    return moves;
  }

  /** Which services are carried depends on the protocols. */
  #forgetEntries(): void {
    for (const entry of this.#entries) this.#index.delete(entry);
    this.#entries = [];
  }

  /** What kind of client a node is, by the rules there are. */
  #placeOf(node: ProxyNode): Place {
    const world = this.#world!;
    const known = this.#places.get(node);
    if (known?.world === world) return known;
    const { mesh } = world;
    const { labels, locality } = this.#facts.ofNode(node);
    const namespace = node.namespace ?? mesh.namespace;
    const isShared = node.isShared === true;
    const isEmbedded = node.isEmbedded === true;
    const whole = { namespace, labels: node.labels ?? {}, locality, isShared, isEmbedded, mesh };
    const sidecar = sidecarOf(world.rules, whole);
    const client = { ...whole, labels };
    const key = JSON.stringify([client, sidecar && world.sidecarKey(sidecar)]);
    const place: Place = { world, client, sidecar, key, made: known?.made };
    this.#places.set(node, place);
    return place;
  }

  #viewOf({ key, client }: Place): View {
    const view = this.#views.get(key) ?? new View(this.#shared, client);
    // Put at the end: the first is the one that was asked for longest ago.
    this.#views.delete(key);
    this.#views.set(key, view);
    forgetOldest(this.#views, MAX_VIEWS);
    return view;
  }

  #listenersOf(node: ProxyNode, ports: CompiledGateways["ports"]): ListenerMemory {
    const known = this.#listeners.get(node.id);
    if (known !== undefined && known.ports === ports && (known.node === node || sameNode(known.node, node)))
      return known;
    const listeners = compileListeners(node, ports)
      .map(named)
      .sort((a, b) => compareText(a.name, b.name));
    const made = { node, ports, listeners, version: hashText(listeners.map(({ version }) => version).join()) };
    this.#listeners.delete(node.id);
    this.#listeners.set(node.id, made);
    forgetOldest(this.#listeners, MAX_NODES);
    return made;
  }
}

/** A kind of client, and what a node of it was given last. */
interface Place {
  readonly world: RuleWorld;
  readonly client: RuleClient;
  readonly sidecar: Sidecar | undefined;
  readonly key: string;
  made:
    | {
        readonly of: ViewResources;
        readonly listens: ListenerMemory;
        readonly set: ResourceSet;
      }
    | undefined;
}

interface ListenerMemory {
  readonly node: ProxyNode;
  readonly ports: CompiledGateways["ports"];
  readonly listeners: ResourceSet["listeners"];
  readonly version: string;
}

/** Whether two nodes are the same by their addresses, and by the identity of what they know of callers. */
function sameNode(a: ProxyNode, b: ProxyNode): boolean {
  const addresses = ({ dubbo, tri, http, gatewayAddress }: ProxyNode) =>
    JSON.stringify([dubbo, tri, http, gatewayAddress]);
  return (
    a.applications === b.applications &&
    a.identities === b.identities &&
    a.tags === b.tags &&
    a.callers === b.callers &&
    addresses(a) === addresses(b)
  );
}

function sameElements(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((element, i) => element === b[i]);
}
