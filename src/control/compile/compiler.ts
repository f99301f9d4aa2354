import type { ResourceSet } from "../../codecs/xds/resources.ts";
import type { Entry } from "../../model/entry.ts";
import { entryChanges } from "../../model/entry-changes.ts";
import { hashText } from "../../model/hash-text.ts";
import type { Rule } from "../../model/rule.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import { withAttachedRules } from "../rules/attached-rules.ts";
import type { RuleClient } from "../rules/client.ts";
import { mergeDelegates } from "../rules/delegates.ts";
import { compareText } from "../rules/findings.ts";
import { CarriedEntries } from "../rules/hosts.ts";
import { indexAuthorization } from "./authorization.ts";
import { type ClientFacts, clientFacts } from "./client-facts.ts";
import { named } from "./compile-need.ts";
import { isCarried } from "./endpoints.ts";
import type { CompiledGateways } from "./gateways.ts";
import { compileListeners, type ProxyNode } from "./listeners.ts";
import { type SharedParts, View, type WorldInputs } from "./view.ts";

/** Compiles what one proxy needs; a function of its two arguments alone, whatever was compiled before. */
export type Compile = (snapshot: Snapshot, node: ProxyNode) => ResourceSet;

/** Most kinds of clients that are remembered; the one that was asked for longest ago is forgotten first. */
const MAX_VIEWS = 256;

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
  readonly #shared: SharedParts = { index: this.#index, hosts: new WeakMap(), clusters: new WeakMap() };
  readonly #views = new Map<string, View>();
  readonly #listeners = new Map<string, ListenerMemory>();
  #given: Snapshot | undefined;
  #rules: readonly Rule[] = [];
  #inputs: WorldInputs | undefined;
  #facts: ClientFacts = clientFacts([]);
  #entries: readonly Entry[] = [];
  #schemas: { readonly given: Snapshot["schemas"]; readonly named: ResourceSet["schemas"]; readonly version: string } =
    {
      given: [],
      named: [],
      version: "",
    };

  compile(snapshot: Snapshot, node: ProxyNode): ResourceSet {
    if (snapshot !== this.#given) this.#take(snapshot);
    const { versions, gateways, ...lists } = this.#viewOf(node, snapshot).take(snapshot, this.#inputs!);
    const listeners = this.#listenersOf(node, gateways);
    const parts = [listeners.map(({ version }) => version).join(), ...versions, this.#schemas.version];
    return { version: hashText(parts.join("|")), listeners, ...lists, schemas: this.#schemas.named };
  }

  #take(snapshot: Snapshot): void {
    this.#given = snapshot;
    const protocols = snapshot.protocols.join();
    const before = this.#inputs;
    const isSame = before?.protocols === protocols && before.mesh === snapshot.mesh;
    if (!isSame || !sameElements(this.#rules, snapshot.rules)) {
      this.#rules = snapshot.rules;
      const rules = mergeDelegates(withAttachedRules(snapshot.rules));
      this.#inputs = { rules, mesh: snapshot.mesh, policies: indexAuthorization(rules, snapshot.mesh), protocols };
      this.#facts = clientFacts(rules);
      if (before?.protocols !== protocols) this.#forgetEntries();
    }
    const { gone, came } = entryChanges(this.#entries, snapshot.entries);
    this.#entries = snapshot.entries;
    for (const entry of gone) this.#index.delete(entry);
    for (const entry of came) if (isCarried(entry, snapshot.protocols)) this.#index.add(entry);
    if (this.#schemas.given !== snapshot.schemas) {
      const list = snapshot.schemas.map(named);
      this.#schemas = { given: snapshot.schemas, named: list, version: list.map(({ version }) => version).join() };
    }
  }

  /** Which services are carried depends on the protocols. */
  #forgetEntries(): void {
    for (const entry of this.#entries) this.#index.delete(entry);
    this.#entries = [];
  }

  #viewOf(node: ProxyNode, { mesh }: Snapshot): View {
    const { labels, locality } = this.#facts.ofNode(node);
    const client: RuleClient = {
      namespace: node.namespace ?? mesh.namespace,
      labels,
      locality,
      isShared: node.isShared === true,
      mesh,
    };
    const key = JSON.stringify(client);
    const view = this.#views.get(key) ?? new View(this.#shared, client);
    // Put at the end: the first is the one that was asked for longest ago.
    this.#views.delete(key);
    this.#views.set(key, view);
    if (this.#views.size > MAX_VIEWS) this.#views.delete(this.#views.keys().next().value!);
    return view;
  }

  #listenersOf(node: ProxyNode, { ports }: CompiledGateways): ResourceSet["listeners"] {
    const known = this.#listeners.get(node.id);
    if (known !== undefined && known.ports === ports && sameNode(known.node, node)) return known.listeners;
    const listeners = compileListeners(node, ports)
      .map(named)
      .sort((a, b) => compareText(a.name, b.name));
    this.#listeners.delete(node.id);
    this.#listeners.set(node.id, { node, ports, listeners });
    if (this.#listeners.size > MAX_NODES) this.#listeners.delete(this.#listeners.keys().next().value!);
    return listeners;
  }
}

interface ListenerMemory {
  readonly node: ProxyNode;
  readonly ports: CompiledGateways["ports"];
  readonly listeners: ResourceSet["listeners"];
}

/** Whether two nodes are the same by their addresses, and by the identity of what they know of callers. */
function sameNode(a: ProxyNode, b: ProxyNode): boolean {
  const addresses = ({ dubbo, tri, http, gatewayAddress }: ProxyNode) =>
    JSON.stringify([dubbo, tri, http, gatewayAddress]);
  return a.applications === b.applications && a.tags === b.tags && addresses(a) === addresses(b);
}

function sameElements(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((element, i) => element === b[i]);
}
