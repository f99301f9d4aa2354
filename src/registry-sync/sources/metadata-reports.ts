/**
 * What providers report of their interfaces' methods and types (Dubbo's ServiceDefinition), wherever a registry or a metadata centre
 * keeps it. Reports stay for ever, so that only those count that a provider of now has written: its key says which, and only these are read.
 */
import type { Entry, Finding } from "../../model/entry.ts";
import type { JavaDefinition, JavaMethod, JavaType, ServiceSchema } from "../../model/schema.ts";
import { finding } from "../findings.ts";
import { MAX_DEFINITION_BYTES, parseDefinition } from "./metadata-definition.ts";

/** What tells one provider's report from others. */
export interface ReportIdentity {
  readonly interfaceName: string;
  /** Empty for none; so is the group. */
  readonly version: string;
  readonly group: string;
  readonly application: string;
}

/** Where reports are kept, and under which keys. */
export interface ReportPlace {
  /** As findings call it: `registry legacy`. */
  readonly name: string;
  /** What holds all reports: a folder, or the place itself. */
  readonly top: string;
  /** The key of a report, such as a node's path; undefined where it can have none. */
  readonly keyOf: (identity: ReportIdentity) => string | undefined;
  /** What stands between `top` and a report, from the top down. */
  readonly foldersOf: (key: string) => readonly string[];
}

/** What is known of what a key holds: undefined or null data for nothing. */
export interface ReportText {
  readonly data: Uint8Array | null | undefined;
}

/** What is kept of the reports, with the keys that it needs. Pure state. */
export interface MetadataReports {
  /** Whether a key is that of a report, or of one on the way to a report, or (undefined) nothing that is read. */
  wants(key: string): "report" | "folder" | undefined;
  /** The keys of all reports that are wanted. */
  wanted(): Iterable<string>;
  /**
   * Follows the providers of a world. Gives the keys whose being wanted changed, from the top down: those that are wanted now have to be
   * read, the others are to be let go.
   */
  follow(entries: readonly Entry[]): readonly string[];
  /**
   * Takes up reports that changed, but no more than a few milliseconds' work: while {@link MetadataReports.isBehind} it is to be called
   * again soon. Says whether {@link MetadataReports.schemas} or findings changed.
   */
  take(texts: ReadonlyMap<string, ReportText>, changed: ReadonlySet<string>): boolean;
  /** Whether reports that changed have not been taken up yet. */
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
  /** It was deleted since. */
  readonly isGone: boolean;
}

/** Creates the state for the reports of one place, none of which was read yet. */
export function createMetadataReports(place: ReportPlace): MetadataReports {
  return new Reports(place);
}

class Reports implements MetadataReports {
  schemas: readonly ServiceSchema[] = [];
  findings: readonly Finding[] = [];
  readonly #place: ReportPlace;
  #entries: readonly Entry[] = [];
  /** Key of each report that is wanted to its interface. */
  #wanted = new Map<string, string>();
  #folders = new Set<string>();
  /** Interfaces with providers. */
  #provided: ReadonlySet<string> = new Set();
  readonly #reports = new Map<string, Report>();
  readonly #byInterface = new Map<string, ServiceSchema>();
  readonly #pending = new Set<string>();
  #bytes = 0;

  constructor(place: ReportPlace) {
    this.#place = place;
  }

  wants(key: string): "report" | "folder" | undefined {
    if (this.#wanted.has(key)) return "report";
    return key === this.#place.top || this.#folders.has(key) ? "folder" : undefined;
  }

  wanted(): Iterable<string> {
    return this.#wanted.keys();
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
        const key = keyOf(service.interface, params, this.#place);
        if (key !== undefined && wanted.size < MAX_REPORTS) wanted.set(key, service.interface);
      }
    }
    // Providers that went may come back, and calls to them be under way: types stay until other providers say others.
    this.#provided = new Set(wanted.values());
    for (const [key, name] of this.#wanted) {
      if (!this.#provided.has(name) && wanted.size < MAX_REPORTS) wanted.set(key, name);
    }
    const folders = new Set([...wanted.keys()].flatMap(this.#place.foldersOf));
    const changed = [
      ...[...folders].filter((key) => !this.#folders.has(key)),
      ...[...wanted.keys()].filter((key) => !this.#wanted.has(key)),
      ...[...this.#folders].filter((key) => !folders.has(key)),
      ...[...this.#wanted.keys()].filter((key) => !wanted.has(key)),
    ];
    for (const [key, { interfaceName, isGone }] of this.#reports) {
      if (isGone && !this.#provided.has(interfaceName)) this.#pending.add(key);
    }
    this.#wanted = wanted;
    this.#folders = folders;
    return changed;
  }

  take(texts: ReadonlyMap<string, ReportText>, changed: ReadonlySet<string>): boolean {
    for (const key of changed) if (this.#wanted.has(key) || this.#reports.has(key)) this.#pending.add(key);
    const touched = new Set<string>();
    let count = 0;
    for (const key of this.#pending) {
      if (++count > REPORTS_AT_ONCE) break;
      this.#pending.delete(key);
      const before = this.#reports.get(key);
      const interfaceName = this.#wanted.get(key);
      const data = interfaceName === undefined ? undefined : texts.get(key)?.data;
      if (before === undefined && (data === undefined || data === null)) continue;
      // Older providers delete their report before they write it anew: what it said stays while a provider of now may have written it.
      if (interfaceName !== undefined && (data === undefined || data === null)) {
        if (before?.definition !== undefined && this.#provided.has(interfaceName)) {
          this.#reports.set(key, { ...before, fault: undefined, isGone: true });
          if (before.fault !== undefined) touched.add(interfaceName);
          continue;
        }
      }
      if (before !== undefined) {
        this.#reports.delete(key);
        this.#bytes -= before.bytes;
        touched.add(before.interfaceName);
      }
      if (interfaceName === undefined || data === undefined || data === null) continue;
      this.#reports.set(key, this.#read(interfaceName, data, before?.definition));
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
    for (const [key, { interfaceName, definition, fault }] of [...this.#reports].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (fault !== undefined && findings.length < MAX_FINDINGS) {
        const rest = definition === undefined ? "no types are known from it" : "what it said before counts";
        const message = `${this.#place.name} has a metadata report of ${interfaceName} that cannot be read: ${fault}; ${rest}`;
        findings.push(finding("TR0160", message, key));
      }
      if (definition === undefined || !touched.has(interfaceName)) continue;
      const list = definitions.get(interfaceName);
      if (list === undefined) definitions.set(interfaceName, [definition]);
      else list.push(definition);
    }
    if (broken > MAX_FINDINGS) {
      const message = `${this.#place.name} has ${broken - MAX_FINDINGS} more metadata reports that cannot be read`;
      findings.push(finding("TR0160", message, this.#place.top));
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

function keyOf(
  interfaceName: string,
  params: Readonly<Record<string, string>>,
  place: ReportPlace,
): string | undefined {
  // What dubbo-go of some versions reports names Go's types.
  if (params["release"]?.startsWith("dubbo-golang") === true) return undefined;
  const { application = "", version = "", group = "" } = params;
  return application === "" ? undefined : place.keyOf({ interfaceName, version, group, application });
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
