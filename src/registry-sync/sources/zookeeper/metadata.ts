/**
 * What providers report of their interfaces' methods and types, read from ZooKeeper:
 *
 *     /dubbo/metadata/{interface}/[{version}/][{group}/]provider/{application}    data: ServiceDefinition
 *
 * Reports stay for ever, so that only those count that a provider of now has written: the path says which, and only these are read.
 */
import type { Entry, Finding } from "../../../model/entry.ts";
import type { JavaDefinition, JavaMethod, JavaType, ServiceSchema } from "../../../model/schema.ts";
import { finding } from "../../findings.ts";
import { MAX_DEFINITION_BYTES, parseDefinition } from "./metadata-definition.ts";
import type { TreeNode } from "./tree-watch.ts";

/** What is kept of the reports, with the node paths that it needs. Pure state. */
export interface MetadataReports {
  /** Whether a node is a report, one on the way to a report, or (undefined) nothing that is read. */
  wants(path: string): "report" | "folder" | undefined;
  /**
   * Follows the providers of a world. Gives the paths whose being wanted changed, from the top down: those that are wanted now have to be
   * read where the tree has them not, the others are to be let go.
   */
  follow(entries: readonly Entry[]): readonly string[];
  /**
   * Takes up nodes that changed, but no more than a few milliseconds' work: while {@link MetadataReports.isBehind} it is to be called
   * again soon. Says whether {@link MetadataReports.schemas} or findings changed.
   */
  take(tree: ReadonlyMap<string, TreeNode>, changed: ReadonlySet<string>): boolean;
  /** Whether nodes that changed have not been taken up yet. */
  readonly isBehind: boolean;
  /** Sorted by name, each interface once; the same array as before while nothing changed. */
  readonly schemas: readonly ServiceSchema[];
  readonly findings: readonly Finding[];
}

/** Most reports that are read. */
const MAX_REPORTS = 50_000;
/** Most bytes of reports that are taken up together; what is over it is left out. */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024;
/** Reports that are read in one go, about a tenth of a millisecond each: registries hold thousands. */
const REPORTS_AT_ONCE = 100;
/** Findings on single reports. */
const MAX_FINDINGS = 100;

interface Report {
  readonly interfaceName: string;
  readonly bytes: number;
  readonly definition: JavaDefinition | undefined;
  readonly fault: string | undefined;
  /** Its node was deleted since. */
  readonly isGone: boolean;
}

/** Creates the state for reports below `folder`, such as `/dubbo/metadata`; `registry` is named in findings. */
export function createMetadataReports(folder: string, registry: string): MetadataReports {
  return new Reports(folder, registry);
}

class Reports implements MetadataReports {
  schemas: readonly ServiceSchema[] = [];
  findings: readonly Finding[] = [];
  readonly #folder: string;
  readonly #registry: string;
  #entries: readonly Entry[] = [];
  /** Path of each report that is wanted to its interface. */
  #wanted = new Map<string, string>();
  #folders = new Set<string>();
  /** Interfaces with providers. */
  #provided: ReadonlySet<string> = new Set();
  readonly #reports = new Map<string, Report>();
  readonly #byInterface = new Map<string, ServiceSchema>();
  readonly #pending = new Set<string>();
  #bytes = 0;

  constructor(folder: string, registry: string) {
    this.#folder = folder;
    this.#registry = registry;
  }

  wants(path: string): "report" | "folder" | undefined {
    if (this.#wanted.has(path)) return "report";
    return path === this.#folder || this.#folders.has(path) ? "folder" : undefined;
  }

  get isBehind(): boolean {
    return this.#pending.size > 0;
  }

  follow(entries: readonly Entry[]): readonly string[] {
    if (entries === this.#entries) return [];
    this.#entries = entries;
    const wanted = new Map<string, string>();
    for (const { service, endpoints } of entries) {
      for (const { params } of endpoints) {
        const path = reportPath(service.interface, params);
        if (path !== undefined && wanted.size < MAX_REPORTS) wanted.set(`${this.#folder}/${path}`, service.interface);
      }
    }
    // Providers that went may come back, and calls to them be under way: types stay until other providers say others.
    this.#provided = new Set(wanted.values());
    for (const [path, name] of this.#wanted) {
      if (!this.#provided.has(name) && wanted.size < MAX_REPORTS) wanted.set(path, name);
    }
    const folders = new Set([...wanted.keys()].flatMap((path) => foldersAbove(path, this.#folder)));
    const changed = [
      ...[...folders].filter((path) => !this.#folders.has(path)),
      ...[...wanted.keys()].filter((path) => !this.#wanted.has(path)),
      ...[...this.#folders].filter((path) => !folders.has(path)),
      ...[...this.#wanted.keys()].filter((path) => !wanted.has(path)),
    ];
    for (const [path, { interfaceName, isGone }] of this.#reports) {
      if (isGone && !this.#provided.has(interfaceName)) this.#pending.add(path);
    }
    this.#wanted = wanted;
    this.#folders = folders;
    return changed;
  }

  take(tree: ReadonlyMap<string, TreeNode>, changed: ReadonlySet<string>): boolean {
    for (const path of changed) if (this.#wanted.has(path) || this.#reports.has(path)) this.#pending.add(path);
    const touched = new Set<string>();
    let count = 0;
    for (const path of this.#pending) {
      if (++count > REPORTS_AT_ONCE) break;
      this.#pending.delete(path);
      const before = this.#reports.get(path);
      const interfaceName = this.#wanted.get(path);
      const data = interfaceName === undefined ? undefined : tree.get(path)?.data;
      if (before === undefined && (data === undefined || data === null)) continue;
      // Older providers delete their report before they write it anew: what it said stays while a provider of now may have written it.
      if (interfaceName !== undefined && (data === undefined || data === null)) {
        if (before?.definition !== undefined && this.#provided.has(interfaceName)) {
          this.#reports.set(path, { ...before, fault: undefined, isGone: true });
          if (before.fault !== undefined) touched.add(interfaceName);
          continue;
        }
      }
      if (before !== undefined) {
        this.#reports.delete(path);
        this.#bytes -= before.bytes;
        touched.add(before.interfaceName);
      }
      if (interfaceName === undefined || data === undefined || data === null) continue;
      this.#reports.set(path, this.#read(interfaceName, data, before?.definition));
      this.#bytes += data.length;
      touched.add(interfaceName);
    }
    if (touched.size === 0) return false;
    this.#rebuild(touched);
    return true;
  }

  /** A report that broke keeps what it said `before`. */
  #read(interfaceName: string, data: Uint8Array, before: JavaDefinition | undefined): Report {
    try {
      if (data.length > MAX_DEFINITION_BYTES)
        throw new Error(`it has ${data.length} bytes, over the limit of ${MAX_DEFINITION_BYTES}`);
      if (this.#bytes + data.length > MAX_TOTAL_BYTES)
        throw new Error(`all reports have over ${MAX_TOTAL_BYTES} bytes together`);
      const definition = parseDefinition(new TextDecoder().decode(data), interfaceName);
      return { interfaceName, bytes: data.length, definition, fault: undefined, isGone: false };
    } catch (error) {
      return { interfaceName, bytes: data.length, definition: before, fault: (error as Error).message, isGone: false };
    }
  }

  #rebuild(touched: ReadonlySet<string>): void {
    const definitions = new Map<string, JavaDefinition[]>();
    const findings: Finding[] = [];
    const broken = [...this.#reports.values()].filter(({ fault }) => fault !== undefined).length;
    for (const [path, { interfaceName, definition, fault }] of [...this.#reports].sort(([a], [b]) =>
      a < b ? -1 : 1,
    )) {
      if (fault !== undefined && findings.length < MAX_FINDINGS) {
        const rest = definition === undefined ? "no types are known from it" : "what it said before counts";
        const message = `registry ${this.#registry} has a metadata report of ${interfaceName} that cannot be read: ${fault}; ${rest}`;
        findings.push(finding("TR0160", message, path));
      }
      if (definition === undefined || !touched.has(interfaceName)) continue;
      const list = definitions.get(interfaceName);
      if (list === undefined) definitions.set(interfaceName, [definition]);
      else list.push(definition);
    }
    if (broken > MAX_FINDINGS) {
      const message = `registry ${this.#registry} has ${broken - MAX_FINDINGS} more metadata reports that cannot be read`;
      findings.push(finding("TR0160", message, this.#folder));
    }
    for (const name of touched) {
      const list = definitions.get(name);
      if (list === undefined) this.#byInterface.delete(name);
      else this.#byInterface.set(name, Object.freeze({ name, java: joinDefinitions(list) }));
    }
    this.findings = findings;
    this.schemas = [...this.#byInterface.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** The path below the folder, as Dubbo joins it; undefined where the provider does not say its application, or is not Java. */
function reportPath(interfaceName: string, params: Readonly<Record<string, string>>): string | undefined {
  // What dubbo-go of some versions reports names Go's types.
  if (params["release"]?.startsWith("dubbo-golang") === true) return undefined;
  const application = params["application"] ?? "";
  const parts = [encodeName(interfaceName), params["version"] ?? "", params["group"] ?? "", "provider", application];
  // A name with a slash has no node of its own.
  if (application === "" || parts.some((part) => part.includes("/"))) return undefined;
  return parts.filter((part) => part !== "").join("/");
}

/** The folders between `top` and the path, from the top down. */
function foldersAbove(path: string, top: string): string[] {
  const parts = path.slice(top.length + 1).split("/");
  return parts.slice(1).map((_, index) => `${top}/${parts.slice(0, index + 1).join("/")}`);
}

/** As Java's URLEncoder writes the name of an interface. */
function encodeName(name: string): string {
  return encodeURIComponent(name).replaceAll("*", "%2A");
}

/** One definition for all groups, versions and applications: methods by their signatures, classes by name with all their properties; the first says. */
function joinDefinitions(list: readonly JavaDefinition[]): JavaDefinition {
  if (list.length === 1) return list[0]!;
  const methods = new Map<string, JavaMethod>();
  const types = new Map<string, JavaType>();
  for (const definition of list) {
    for (const method of definition.methods) {
      const key = `${method.name}(${method.parameterTypes.join()})`;
      if (!methods.has(key)) methods.set(key, method);
    }
    for (const [name, type] of Object.entries(definition.types)) {
      const before = types.get(name);
      types.set(name, before === undefined ? type : joinTypes(before, type));
    }
  }
  return { methods: [...methods.values()], types: Object.fromEntries(types) };
}

function joinTypes(first: JavaType, later: JavaType): JavaType {
  if (first.enums !== undefined)
    return later.enums === undefined ? first : { enums: [...new Set([...first.enums, ...later.enums])] };
  return later.properties === undefined ? first : { properties: { ...later.properties, ...first.properties } };
}
